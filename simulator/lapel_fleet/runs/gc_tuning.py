"""Python's garbage collector, where thousands of cameras live in one process for as long as that lives.

Each time it looks through everything it finds next to nothing (tens of objects, measured) and holds up every camera of
the process, for a tenth of a second where there are 1,600.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = 10_000
"""The oldest objects are looked through after so many turns of the younger ones, instead of ten."""


@contextmanager
def infrequent_gc() -> Iterator[None]:
    """What has lived for long is hardly ever looked through while the block runs."""
    usual = gc.get_threshold()
    gc.set_threshold(*usual[:2], _SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def freeze_heap() -> None:
    """What there is now is not looked through at all."""
    gc.collect()
    gc.freeze()


def let_go() -> None:
    """It is, again."""
    gc.unfreeze()
