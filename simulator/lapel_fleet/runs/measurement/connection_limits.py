"""Which limit keeps cameras from connecting: open files, ports, or the broker."""

import errno
import resource
from collections.abc import Mapping
from pathlib import Path

_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_PORTS_OF_LINUX = 28_232


def limit_reached(reasons: Mapping[str, int]) -> str:
    """The most frequent reason and what to do about it, to follow `only 5 of 6 cameras came online`; empty without any.

    `reasons`: why cameras are not connected, as their links report it, and how many each.
    """
    if not reasons:
        return ""
    reason = max(reasons, key=lambda one: reasons[one])
    return f"; {reasons[reason]:,} of them: {reason} ({_remedy(reason)})"


def _remedy(reason: str) -> str:
    if _is(reason, errno.EMFILE, errno.ENFILE):
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"the limit of open files, {most:,} here: raise `ulimit -n`, or use more --workers"
    if _is(reason, errno.EADDRNOTAVAIL, errno.EADDRINUSE):
        return f"the limit of ports, {_ports():,} for one address and one broker: give several --bind-addresses"
    return "the broker's own limit, or its address: look into its log and at its `max_connections`"


def _is(reason: str, *codes: int) -> bool:
    return any(f"[Errno {code}]" in reason for code in codes)


def _ports() -> int:
    try:
        first, last = map(int, _PORTS.read_text().split())
    except (OSError, ValueError):
        return _PORTS_OF_LINUX
    return last - first + 1
