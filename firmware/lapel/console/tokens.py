"""A line as words. Quotation marks, single or double, keep blanks in a word; an apostrophe inside a word is none."""

import re

from lapel.errors import ConsoleError

_WORD = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s"']\S*))(?=\s|$)""")


def split(line: str) -> list[str]:
    """Raises ConsoleError when a quotation mark is missing."""
    words, rest = _taken(line)
    if rest:
        raise ConsoleError(
            f"a quotation mark is missing at `{rest[:20]}`: write '…' or \"…\" around words that belong together",
            "usage",
        )
    return words


def is_inside_quotes(line: str) -> bool:
    """Whether `line` ends in a word that was begun with a quotation mark and has no second one."""
    _, rest = _taken(line)
    return rest[:1] in ("'", '"') and rest[0] not in rest[1:]


def _taken(line: str) -> tuple[list[str], str]:
    """The words that are whole, and what follows the last of them."""
    words, at = [], 0
    while found := _WORD.match(line, at):
        words.append(next(group for group in found.groups() if group is not None))
        at = found.end()
    return words, line[at:].strip()
