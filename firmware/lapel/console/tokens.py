"""Splits a command line into words. Single or double quotes keep blanks in a word; an apostrophe in a word is text."""

import re

from lapel.errors import ConsoleError

_WORD = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s"']\S*))(?=\s|$)""")


def split(line: str) -> list[str]:
    """The words of a line. Raises ConsoleError when a closing quotation mark is missing."""
    words, rest = _complete_words(line)
    if rest:
        raise ConsoleError(
            f"a quotation mark is missing at `{rest[:20]}`: write '…' or \"…\" around words that belong together",
            "usage",
        )
    return words


def is_inside_quotes(line: str) -> bool:
    """Whether `line` ends inside a quoted word."""
    _, rest = _complete_words(line)
    return rest[:1] in ("'", '"') and rest[0] not in rest[1:]


def _complete_words(line: str) -> tuple[list[str], str]:
    """The complete words, and the text after the last of them."""
    words, at = [], 0
    while found := _WORD.match(line, at):
        words.append(next(group for group in found.groups() if group is not None))
        at = found.end()
    return words, line[at:].strip()
