"""One seed, and a stream of chance for each camera and purpose: one more in Baltimore changes nothing in Buffalo."""

import hashlib
import random


class World:
    """Where all chance of a run comes from."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def chance(self, who: str, purpose: str) -> random.Random:
        """The stream of `who` (`baltimore/cam-0001`, or `fleet`) for one purpose. Depends on nothing but these."""
        digest = hashlib.sha256(f"{self.seed}\0{who}\0{purpose}".encode()).digest()
        return random.Random(int.from_bytes(digest[:16], "big"))
