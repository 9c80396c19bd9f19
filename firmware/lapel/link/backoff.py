"""Reconnect back-off and send pacing: a fleet that lost its broker must not overload it when it returns."""

from lapel.randomness import RandomSource


class Backoff:
    """Waits that double up to a limit, each shortened at random by up to half.

    The first one after a connection that worked is drawn from the whole of `spread_s`: every camera of that broker lost
    it at the same moment, and they must not come back at the same moment.
    """

    def __init__(self, rng: RandomSource, first_s: float = 1.0, most_s: float = 60.0, spread_s: float = 0.0) -> None:
        self._rng = rng
        self._first_s, self._most_s, self._spread_s = first_s, most_s, spread_s
        self._next_s = first_s
        self._spread = False

    def next_s(self) -> float:
        """Seconds to wait now."""
        if self._spread:
            self._spread = False
            return self._rng.uniform(0.0, self._spread_s)
        wait_s = self._next_s
        self._next_s = min(2 * wait_s, self._most_s)
        return wait_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """A connection worked: spread the next wait, and begin with the shortest again after that."""
        self._next_s = self._first_s
        self._spread = self._spread_s > 0


class TokenBucket:
    """Permits `burst` at once, and then `per_s` per second."""

    __slots__ = ("_burst", "_left", "_per_s", "_taken_s")

    def __init__(self, burst: int, per_s: float) -> None:
        self._burst, self._per_s = burst, per_s
        self._left, self._taken_s = float(burst), 0.0

    def take(self, now_s: float) -> bool:
        """Take a permission, if there is one."""
        self._left = min(self._burst, self._left + (now_s - self._taken_s) * self._per_s)
        self._taken_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Pace:
    """Rate limit with jitter: `per_s` on average, after a first `burst` at once (a token bucket)."""

    def __init__(self, rng: RandomSource, per_s: float, burst: int = 10) -> None:
        self._rng, self._per_s, self._burst = rng, per_s, burst
        self._left, self._looked_s = float(burst), 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next one may go; 0 takes the permission."""
        self._left = min(self._burst, self._left + (now_s - self._looked_s) * self._per_s)
        self._looked_s = now_s
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self._per_s * self._rng.uniform(1.0, 1.4)
