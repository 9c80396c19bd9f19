"""HTML and SVG as a tree of elements, never concatenated from strings, so that no text can become markup."""

from xml.etree.ElementTree import Element, tostring

Content = Element | str | None


def node(tag: str, *content: Content, **attributes: str | float) -> Element:
    """An element. `class_="x"` sets the attribute class, `aria_label` aria-label; None in the content is ignored."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()})
    last: Element | None = None
    for one in content:
        if isinstance(one, Element):
            made.append(one)
            last = one
        elif one is not None and last is None:
            made.text = (made.text or "") + one
        elif one is not None and last is not None:
            last.tail = (last.tail or "") + one
    return made


def document(root: Element) -> str:
    """The whole page. Only `style` and `script` are not escaped by HTML's rules: put no text from outside there."""
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html") + "\n"
