"""Limits the bytes per second that leave a camera, or all cameras of a site."""

from typing import Protocol

from lapel.clock import Clock

_BURST_S = 0.25


class Throttle(Protocol):
    """Waits until so many bytes may be sent."""

    async def take(self, size_bytes: int) -> None:
        """Return when `size_bytes` more may be sent."""


class NoThrottle:
    """No limit."""

    async def take(self, size_bytes: int) -> None:
        """At once."""


class RateLimit:
    """So many bits per second on average, shared by all who take from it."""

    def __init__(self, clock: Clock, limit_bps: float) -> None:
        self._clock, self._bytes_per_s = clock, limit_bps / 8
        self._free_s = clock.mono_s()

    async def take(self, size_bytes: int) -> None:
        """Sleeps for as long as everything taken before needs at this speed."""
        now_s = self._clock.mono_s()
        self._free_s = max(self._free_s, now_s - _BURST_S) + size_bytes / self._bytes_per_s
        if self._free_s > now_s:
            await self._clock.sleep(self._free_s - now_s)
