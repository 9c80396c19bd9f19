"""The result as a folder: `index.html`, which needs nothing beside it, and `report.json`.

The page has no script and asks nobody for anything; its content security policy forbids both, whatever a failure's text
may hold.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from xml.etree.ElementTree import Element

import msgspec

from lapel.errors import StorageError
from lapel_fleet.report.excerpts import Excerpt, excerpts
from lapel_fleet.report.figures import MISHAPS, figures
from lapel_fleet.report.formatting import counted, span
from lapel_fleet.report.markup import document, node
from lapel_fleet.report.result import Result
from lapel_fleet.report.summary import Checked, Mishap, Moment, Site, Summary, over_time, summarise

_SHOWN, _OPEN = 20, 4
"""Failures of each checker, and those of them that are not folded away; `report.json` has them all."""
_HEADLINES = {
    "passed": "Passed",
    "failed": "Failed",
    "inconclusive": "Inconclusive",
}


class Report(msgspec.Struct, frozen=True):
    """The content of `report.json`."""

    summary: Summary
    over_time: list[Moment]
    excerpts: dict[str, Excerpt]
    """By failure; of the first 20 of each checker, where a trace was written."""


def write_page(folder: Path, result: Result) -> None:
    """Write the folder; what is in it of an earlier run is replaced. Raises StorageError when it cannot be written."""
    report = _report(result)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
        (folder / "index.html").write_text(page(report), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written: {error.strerror}") from error


def page(report: Report) -> str:
    """`index.html`."""
    summary = report.summary
    style = files("lapel_fleet.report").joinpath("page.css").read_text(encoding="utf-8")
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("link", rel="icon", href="data:,"),
        node("title", f"{summary.scenario}: {summary.verdict}"),
        node("style", style),
    )
    drawn = figures(summary, report.over_time)
    body = node(
        "body",
        _head(summary),
        node(
            "main",
            _section("Verdicts", [_checkers(summary.checkers), *_failures(report)]),
            _section("The run", drawn or [node("p", "Nothing was measured while it went on.", class_="note")]),
            _section("Sites", [_sites(summary.sites)]),
            _section("What went wrong on purpose", [_faults(summary.faults)], MISHAPS) if summary.faults else None,
        ),
        node("footer", "Everything on this page, and every stretch of the run, is in ",
             node("a", "report.json", href="report.json"), "."),
    )  # fmt: skip
    return document(node("html", head, body, lang="en"))


def _report(result: Result) -> Report:
    summary = summarise(result)
    shown = [failure for one in summary.checkers for failure in one.failures[:_SHOWN]]
    moments = over_time(result.run.samples) if result.run.samples else []
    return Report(summary, moments, _from_trace(result.trace, shown) if result.trace and shown else {})


def _from_trace(trace: Path, failures: Sequence[str]) -> dict[str, Excerpt]:
    try:
        with trace.open(encoding="utf-8") as lines:
            return excerpts(lines, failures)
    except OSError as error:
        raise StorageError(f"{trace}: cannot be read: {error.strerror}") from error


def _policy(style: str) -> str:
    """Nothing but this one style and an empty icon."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def _head(summary: Summary) -> Element:
    checked = [one for one in summary.checkers if one.verdict != "skipped"]
    failures = sum(len(one.failures) for one in summary.checkers)
    lead = (
        f"{counted(summary.cameras, 'camera')} in {counted(len(summary.sites), 'site')}, "
        f"{counted(summary.recordings, 'recording')}, {counted(summary.messages, 'message')}. "
        f"{len(checked)} of {counted(len(summary.checkers), 'checker')} saw "
        f"{counted(sum(one.occasions for one in checked), 'occasion')} and found "
        f"{counted(failures, 'failure') if failures else 'nothing'}."
    )
    return node(
        "header",
        node("p", f"lapel-fleet · {summary.scenario}", class_="over"),
        node("h1", _HEADLINES[summary.verdict], class_=summary.verdict),
        *(node("p", f"It proves nothing: {reason}", class_="lead inconclusive") for reason in summary.inconclusive),
        node("p", lead, class_="lead"),
        _facts({
            "Time": f"{span(summary.domain_s)} ({summary.time}) in {summary.took_s:.1f} s: {summary.speed:,.0f} times "
            "real time",
            "Broker": summary.broker,
            "Seed": str(summary.seed),
            "Trace": node("code", f"{summary.trace_sha256} (SHA-256 of {summary.trace_lines:,} lines)"),
            "Again": node("code", summary.replay),
        }),
    )  # fmt: skip


def _facts(facts: dict[str, Element | str]) -> Element:
    return node("dl", *(part for name, fact in facts.items() for part in (node("dt", name), node("dd", fact))))


def _section(title: str, content: Iterable[Element], id_: str = "") -> Element:
    return node("section", node("h2", title, **({"id": id_} if id_ else {})), *content)


def _checkers(checkers: Sequence[Checked]) -> Element:
    rows = [
        [
            node("span", one.verdict, class_=one.verdict),
            node("a", one.name, href=f"#checker-{number}") if one.failures else one.name,
            f"{one.occasions:,}",
            f"{len(one.failures):,}" if one.failures else "–",
        ]
        for number, one in enumerate(checkers)
    ]
    return _table("Verdicts", ["verdict", "checker", "occasions", "failures"], rows, first_number=2)


def _failures(report: Report) -> Iterable[Element]:
    for number, checked in enumerate(report.summary.checkers):
        if checked.failures:
            yield node("h3", checked.name, id=f"checker-{number}")
            told = [_failure(failure, report.excerpts.get(failure)) for failure in checked.failures[:_SHOWN]]
            yield from told[:_OPEN]
            if told[_OPEN:]:
                yield node("details", node("summary", f"… and {len(told) - _OPEN} more"), *told[_OPEN:])
            if len(checked.failures) > _SHOWN:
                more = f"… and {len(checked.failures) - _SHOWN:,} more, in report.json."
                yield node("p", more, class_="note")


def _failure(failure: str, excerpt: Excerpt | None) -> Element:
    return node("div", node("p", failure), _excerpt(failure, excerpt) if excerpt else None, class_="failure")


def _excerpt(failure: str, excerpt: Excerpt) -> Element:
    content: list[Element | str] = []
    for number, line in enumerate(excerpt.lines):
        content += [node("mark", line) if number in excerpt.about else line, "\n"]
    what = f"Trace of this camera: {counted(len(excerpt.lines), 'line')}, {excerpt.before:,} before and "
    return node(
        "details",
        node("summary", f"{what}{excerpt.after:,} after them left out"),
        node("pre", *content, tabindex=0, role="region", aria_label=f"Trace around: {failure}"),
    )


def _sites(sites: Sequence[Site]) -> Element:
    rows = [
        [one.site, *(f"{count:,}" for count in (one.cameras, one.recordings, one.refusals, one.failures)),
         "–" if one.messages is None else f"{one.messages:,}"]
        for one in sites
    ]  # fmt: skip
    head = ["site", "cameras", "recordings", "refusals", "failures", "messages"]
    return _table("Sites", head, rows, first_number=1)


def _faults(faults: Sequence[Mishap]) -> Element:
    rows = [
        [str(number), one.kind, span(one.at_s), span(one.for_s) if one.for_s else "–", f"{one.share:.0%}",
         ", ".join(one.where) or "everywhere"]
        for number, one in enumerate(faults, 1)
    ]  # fmt: skip
    head = ["", "kind", "at", "for", "share of cameras", "where"]
    return _table("What went wrong on purpose", head, rows, first_number=len(head))


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[Element | str]], *, first_number: int) -> Element:
    """From the column `first_number` on there are figures."""

    def cell(tag: str, number: int, content: Element | str, **attributes: str) -> Element:
        return node(tag, content, **(attributes | ({"class_": "n"} if number >= first_number else {})))

    table = node(
        "table",
        node("thead", node("tr", *(cell("th", number, one, scope="col") for number, one in enumerate(head)))),
        node("tbody", *(node("tr", *(cell("td", number, one) for number, one in enumerate(row))) for row in rows)),
    )
    return node("div", table, class_="wide", tabindex=0, role="region", aria_label=title)
