"""Makes text from other people and machines safe to print on a terminal."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(text: str) -> str:
    """`text` as a spreadsheet's cell: one that begins like a formula would be calculated."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(text: str) -> str:
    """`text` with a dot for each character that a terminal could take for a control sequence or line end."""
    return "".join(char if char.isprintable() else "." for char in text)
