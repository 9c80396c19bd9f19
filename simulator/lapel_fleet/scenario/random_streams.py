"""Random streams derived from one seed, one for each camera and purpose.

So one more camera in Baltimore changes nothing in Buffalo.
"""

import hashlib
import random


class RandomStreams:
    """The source of all randomness of a run."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, name: str, purpose: str) -> random.Random:
        """The stream of `name`, `baltimore/cam-0001` or `fleet`, for a purpose. Depends on them and the seed alone."""
        return random.Random(int.from_bytes(self._digest(name, purpose)[:16], "big"))

    def counter_rng(self, name: str, purpose: str) -> "CounterRng":
        """The same in little memory, for a user that draws rarely but for the whole run."""
        return CounterRng(self._digest(name, purpose))

    def _digest(self, name: str, purpose: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\0{name}\0{purpose}".encode()).digest()


class CounterRng:
    """Implements `lapel.randomness.RandomSource` by hashing a key and a counter. A `random.Random` takes 2.5 KB."""

    __slots__ = ("_drawn", "_key")

    def __init__(self, key: bytes) -> None:
        self._key, self._drawn = key, 0

    def uniform(self, a: float, b: float, /) -> float:
        """See `RandomSource.uniform`."""
        return a + (b - a) * self.getrandbits(53) / 2**53

    def getrandbits(self, k: int, /) -> int:
        """See `RandomSource.getrandbits`. Up to 256."""
        self._drawn += 1
        digest = hashlib.sha256(self._key + self._drawn.to_bytes(8, "big")).digest()
        return int.from_bytes(digest, "big") >> (256 - k)
