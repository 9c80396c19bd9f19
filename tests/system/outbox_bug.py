"""A bug planted in the firmware of each process that loads this file, as in `--checker outbox_bug.py:no_finding`."""

from collections.abc import Iterator

from lapel.link.outbox import Outbox


def no_finding(case: object) -> Iterator[None]:
    """A checker without an occasion."""
    return iter(())


async def _forget_to_write(self: Outbox) -> bool:
    self._changed.clear()
    return True


Outbox.flush = _forget_to_write  # type: ignore[method-assign]  # what waits is lost with the power
