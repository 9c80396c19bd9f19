"""What a camera leaves to chance: how long it waits before it tries again, and the end of a recording's id."""

from typing import Protocol


class RandomSource(Protocol):
    """A stream of it. `random.Random` is one."""

    def uniform(self, a: float, b: float, /) -> float:
        """Anything from `a` to `b`."""

    def getrandbits(self, k: int, /) -> int:
        """A number of `k` bits."""
