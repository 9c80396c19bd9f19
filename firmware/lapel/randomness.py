"""Random numbers, passed in: for back-off times and the end of a recording's id."""

from typing import Protocol


class RandomSource(Protocol):
    """A random stream; `random.Random` is one."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number from `a` to `b`."""

    def getrandbits(self, k: int, /) -> int:
        """A non-negative integer of `k` bits."""
