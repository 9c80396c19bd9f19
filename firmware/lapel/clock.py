"""Time, passed in. The only module of the firmware that reads the machine's clocks.

Two kinds of time, never mixed: *monotonic* seconds order events and measure durations, and are not affected by any
correction of the clock; *UTC* is for people and courts, and may step. An `Instant` has both.
"""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

Quality = Literal["synced", "unsynced", "unknown"]
"""How far the wall clock can be trusted. It never prevents a recording; it is written into it."""

_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
_ADJTIMEX = getattr(ctypes.CDLL(None), "adjtimex", None)  # only Linux has it
_TIME_ERROR = 5  # what adjtimex returns while no time service disciplines the clock
_TIMEX_BYTES = 512  # more than any `struct timex`; all zero, it changes nothing and asks for no privilege
_RELEASE_YEAR = 2026  # a wall clock that is earlier than this firmware was never set


# Structs of msgspec are made in a tenth of the time that a frozen dataclass takes, and there are several per message.
class Instant(msgspec.Struct, frozen=True, gc=False):
    """One moment: in monotonic seconds (`mono_s`) and in UTC (`utc`, with its time zone set)."""

    mono_s: float
    utc: datetime

    def shifted(self, seconds: float) -> "Instant":
        """The moment `seconds` later (earlier when negative), by the wall clock as it was set at this moment."""
        return Instant(self.mono_s + seconds, self.utc + timedelta(seconds=seconds))


class Clock(Protocol):
    """A clock. It may be read from any thread; `sleep` belongs to the event loop."""

    def mono_s(self) -> float:
        """Monotonic seconds: they never step back; their zero has no meaning."""

    def now(self) -> Instant:
        """This moment, monotonic and in UTC."""

    def quality(self) -> Quality:
        """How far `now().utc` can be trusted."""

    def is_trusted(self) -> bool:
        """Whether `now().utc` may be compared with other machines' clocks: it is synced, and time is not scaled."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""


def kernel_is_synced() -> bool:
    """Whether a time service (systemd-timesyncd, chrony, ntpd) disciplines the kernel's clock.

    The kernel withdraws this by itself, 9 hours after the service's last correction.
    """
    return _ADJTIMEX is not None and 0 <= _ADJTIMEX(ctypes.create_string_buffer(_TIMEX_BYTES)) < _TIME_ERROR


class SystemClock:
    """The machine's own clocks."""

    def __init__(
        self, is_synced: Callable[[], bool] = kernel_is_synced, timesyncd_mark: Path = _TIMESYNCD_MARK
    ) -> None:
        """`is_synced`: what the kernel says; `timesyncd_mark`: exists once systemd-timesyncd has set the clock."""
        self._is_synced, self._timesyncd_mark = is_synced, timesyncd_mark

    def mono_s(self) -> float:
        """`CLOCK_MONOTONIC`, which the kernel also uses for the time stamps of V4L2 frames."""
        return time.monotonic()

    def now(self) -> Instant:
        """This moment, from both of the machine's clocks."""
        return Instant(time.monotonic(), datetime.now(UTC))

    def quality(self) -> Quality:
        """*synced* when a time service keeps it right, or systemd-timesyncd has set it since the machine started;
        *unsynced* when the year is impossible; else *unknown*.
        """
        if self._is_synced() or self._timesyncd_mark.exists():
            return "synced"
        return "unsynced" if datetime.now(UTC).year < _RELEASE_YEAR else "unknown"

    def is_trusted(self) -> bool:
        """Whether it is synced."""
        return self.quality() == "synced"

    async def sleep(self, seconds: float) -> None:
        """Sleep on the running event loop."""
        await asyncio.sleep(seconds)


def system_time_zone() -> str:
    """The machine's time zone: an IANA name such as `America/New_York` where it has one, else an offset (`+00:00`)."""
    _, _, linked = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
    for name in (os.environ.get("TZ", "").removeprefix(":"), linked):
        if _is_time_zone(name):
            return name
    offset = datetime.now(UTC).astimezone().strftime("%z")
    return f"{offset[:3]}:{offset[3:]}"


def time_zone_of(name: str) -> tzinfo:
    """The time zone that `system_time_zone` or a user names: `America/New_York`, `+05:30`. Raises ValueError."""
    if name[:1] in "+-" and name:
        return datetime.strptime(name, "%z").tzinfo or UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone: write `America/New_York` or `+05:30`") from error


def _is_time_zone(name: str) -> bool:
    try:
        return bool(name and ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown; no relative path; a folder such as `America`
        return False


def set_system_clock(to: datetime) -> None:
    """Step the machine's wall clock. Raises PermissionError where this process is not allowed to."""
    time.clock_settime(time.CLOCK_REALTIME, to.timestamp())


def iso(moment: datetime) -> str:
    """A UTC moment as ISO 8601 with milliseconds and a `Z`: `2026-11-24T07:00:31.250Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
