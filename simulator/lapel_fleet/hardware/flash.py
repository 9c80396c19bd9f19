"""A camera's own flash: what it must remember across reboots. Takes nothing while there is no power."""

from lapel.errors import StorageError
from lapel.link.journal import Changes, Kept, MemoryJournal
from lapel.link.messages import EventMessage, Reply


class SimulatedFlash(MemoryJournal):
    """Implements `lapel.link.journal.Journal`. The outside world takes `has_power` away."""

    def __init__(self) -> None:
        super().__init__()
        self.has_power = True

    def load(self) -> Kept:
        """What was written before."""
        self._need_power()
        return super().load()

    def apply(self, changes: Changes) -> None:
        """Write, all or nothing."""
        self._need_power()
        super().apply(changes)

    def unsent(self) -> list[EventMessage | Reply]:
        """The messages that wait on it, with or without power."""
        return [one.message for one in super().load().waiting]

    def _need_power(self) -> None:
        if not self.has_power:
            raise StorageError("simulated flash: there is no power")
