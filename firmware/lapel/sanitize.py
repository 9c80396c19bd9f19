"""Makes text from other people and machines safe to print on a terminal."""


def plain(text: str) -> str:
    """`text` with a dot for each character that a terminal could take for a control sequence or line end."""
    return "".join(char if char.isprintable() else "." for char in text)
