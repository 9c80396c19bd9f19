"""Numbers and times formatted for people."""


def span(seconds: float) -> str:
    """A duration or a time of domain time, as `8:00:00`: hours, minutes, seconds."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def mark(seconds: float) -> str:
    """A time on an axis, in short form: `0`, `20 s`, `10 min`, `1:30 h`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h" if not whole % 3600 else f"{whole // 3600}:{whole // 60 % 60:02} h"
    if whole >= 60:
        return f"{whole // 60} min" if not whole % 60 else f"{whole // 60}:{whole % 60:02} min"
    return f"{whole} s" if whole else "0"


def latency(seconds: float) -> str:
    """A short time in a suitable unit: `0.4 ms`, `12 ms`, `1.2 s`, `95 s`; `0 ms` below 0.05 ms."""
    if seconds >= 0.9995:
        return f"{_two_places(seconds)} s"
    return f"{_two_places(seconds * 1000)} ms" if seconds >= 0.00005 else "0 ms"


def _two_places(value: float) -> str:
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.2g}"


def rate(per_s: float) -> str:
    """A rate per second with three significant digits; a whole number from 100 on."""
    return f"{per_s:,.0f}" if per_s >= 99.5 else f"{per_s:.3g}"


def counted(count: int, noun: str) -> str:
    """`1 camera`, `1,600 cameras`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(size_bytes: float) -> str:
    """An amount of data in a suitable unit: `640 B`, `1.2 kB`, `95 MB`, `1,200 GB`."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 999.5:
            return f"{_two_places(size_bytes) if size_bytes else 0} {unit}"
        size_bytes /= 1000
    return f"{_two_places(size_bytes)} GB"
