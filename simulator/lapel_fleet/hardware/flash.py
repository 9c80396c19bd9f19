"""The camera's internal flash: keeps the outbox across reboots. Without power it cannot be read or written."""

from lapel.errors import StorageError
from lapel.link.journal import Changes, Kept, MemoryJournal
from lapel.link.messages import EventMessage, Reply


class SimulatedFlash(MemoryJournal):
    """Implements `lapel.link.journal.Journal`. The outside world sets `has_power`."""

    def __init__(self) -> None:
        super().__init__()
        self.has_power = True

    def load(self) -> Kept:
        """See `Journal.load`. Raises StorageError without power."""
        self._require_power()
        return super().load()

    def apply(self, changes: Changes) -> None:
        """See `Journal.apply`. Raises StorageError without power."""
        self._require_power()
        super().apply(changes)

    def unsent(self) -> list[EventMessage | Reply]:
        """The messages that no broker has acknowledged, with or without power."""
        return [one.message for one in super().load().waiting]

    def _require_power(self) -> None:
        if not self.has_power:
            raise StorageError("simulated flash: there is no power")
