"""Strangers' words, fit for a terminal."""


def plain(text: str) -> str:
    """`text` without anything that a terminal could take for an order: log lines and names may come from strangers."""
    return "".join(char if char.isprintable() else "." for char in text)
