"""How long to wait before trying again."""

import random


class Backoff:
    """Waits that double up to a limit, each cut at random by up to half: cameras that lost one broker at the same
    moment must not come back at the same moment.
    """

    def __init__(self, chance: random.Random, first_s: float = 1.0, most_s: float = 60.0) -> None:
        self._chance = chance
        self._first_s = first_s
        self._most_s = most_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Seconds to wait now."""
        wait_s = self._next_s
        self._next_s = min(2 * wait_s, self._most_s)
        return wait_s * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked: begin with the shortest wait again."""
        self._next_s = self._first_s
