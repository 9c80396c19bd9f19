"""Durations as people type them."""

import re

from lapel.errors import ConfigError

_UNITS_S = {"s": 1, "m": 60, "h": 3600}


def seconds_of(text: str, option: str) -> float:
    """Seconds of `90`, `90s`, `10m` or `2h`. Raises ConfigError naming `option`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if found is None:
        raise ConfigError(f"{option} {text}: give a time such as 90s, 10m or 2h")
    return float(found[1]) * _UNITS_S[found[2] or "s"]
