"""One seed, and a stream of chance for each camera and purpose: one more in Baltimore changes nothing in Buffalo."""

import hashlib
import random


class RandomStreams:
    """Where all chance of a run comes from."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, who: str, purpose: str) -> random.Random:
        """The stream of `who` (`baltimore/cam-0001`, or `fleet`) for one purpose. Depends on nothing but these."""
        return random.Random(int.from_bytes(self._digest(who, purpose)[:16], "big"))

    def counter_rng(self, who: str, purpose: str) -> "CounterRng":
        """The same for somebody who draws now and then, all day long."""
        return CounterRng(self._digest(who, purpose))

    def _digest(self, who: str, purpose: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\0{who}\0{purpose}".encode()).digest()


class CounterRng:
    """Implements `lapel.randomness.RandomSource` in little memory: the state of a `random.Random` takes 2.5 KB."""

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
