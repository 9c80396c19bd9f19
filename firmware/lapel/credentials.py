"""Keeps user names and passwords in addresses out of everything that is shown, logged or published."""

import re
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def without_credentials(text: str) -> str:
    """`text` with the user information of every address in it replaced by `…`.

    Everything between the scheme and the last `@` before the next address goes: a password with `@`, `/` or a blank in
    it, which no parser would take for one, must not show either.
    """
    starts = [match.end() for match in _SCHEME.finditer(text)]
    if not starts:
        return text
    ends = [*[match.start() for match in _SCHEME.finditer(text)][1:], len(text)]
    parts = [text[: starts[0]]]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        userinfo, at, rest = text[start:end].rpartition("@")
        parts.append(f"…@{rest}" if at and userinfo else text[start:end])
        if number + 1 < len(starts):
            parts.append(text[end : starts[number + 1]])
    return "".join(parts)


def settings_without_credentials(settings: Mapping[str, Mapping[str, T]]) -> dict[str, dict[str, T | str]]:
    """Settings, by section and key, as they may be shown."""
    return {
        name: {key: without_credentials(value) if isinstance(value, str) else value for key, value in keys.items()}
        for name, keys in settings.items()
    }
