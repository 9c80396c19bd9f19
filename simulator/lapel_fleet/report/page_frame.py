"""What the pages of reports share: head, style, content security policy, tables.

A page has no script and loads nothing; its content security policy forbids both, whatever the texts in it contain.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element

from lapel_fleet.report.markup import Content, document, node


def framed_page(title: str, *content: Content) -> str:
    """A whole page with that title and body."""
    style = files("lapel_fleet.report").joinpath("page.css").read_text(encoding="utf-8")
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("link", rel="icon", href="data:,"),
        node("title", title),
        node("style", style),
    )
    return document(node("html", head, node("body", *content), lang="en"))


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Element | str]], *, first_number: int) -> Element:
    """A table whose columns from `first_number` on are numbers."""

    def cell(tag: str, number: int, content: Element | str, **attributes: str) -> Element:
        return node(tag, content, **(attributes | ({"class_": "n"} if number >= first_number else {})))

    made = node(
        "table",
        node("thead", node("tr", *(cell("th", number, one, scope="col") for number, one in enumerate(head)))),
        node("tbody", *(node("tr", *(cell("td", number, one) for number, one in enumerate(row))) for row in rows)),
    )
    return node("div", made, class_="wide", tabindex=0, role="region", aria_label=title)


def _policy(style: str) -> str:
    """The content security policy: allows this style and an empty icon, nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
