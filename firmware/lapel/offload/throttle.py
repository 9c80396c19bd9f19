"""Limits the bytes per second that leave a camera, or all cameras of a site."""

from typing import Protocol

from lapel.clock import Clock

_BURST_S = 0.25
"""Seconds of the permitted speed that leave at once: short, so that a limit is no stutter."""
_LEAST_BYTES, _MOST_BYTES = 16 * 1024, 1024 * 1024


class Throttle(Protocol):
    """Waits until so many bytes may be sent."""

    @property
    def piece_bytes(self) -> int:
        """How much to ask for at a time."""

    async def take(self, size_bytes: int) -> None:
        """Return when `size_bytes` more may be sent."""


class NoThrottle:
    """No limit."""

    piece_bytes = _MOST_BYTES

    async def take(self, size_bytes: int) -> None:
        """At once."""


class RateLimit:
    """So many bits per second on average, shared by all who take from it."""

    def __init__(self, clock: Clock, limit_bps: float) -> None:
        self._clock, self._bytes_per_s = clock, limit_bps / 8
        self._free_s = clock.mono_s()
        self.piece_bytes = int(min(_MOST_BYTES, max(_LEAST_BYTES, _BURST_S * self._bytes_per_s)))

    async def take(self, size_bytes: int) -> None:
        """Sleeps for as long as everything taken before needs at this speed."""
        now_s = self._clock.mono_s()
        self._free_s = max(self._free_s, now_s - _BURST_S) + size_bytes / self._bytes_per_s
        if self._free_s > now_s:
            await self._clock.sleep(self._free_s - now_s)
