"""The storage card during one run of the firmware: after a power cut, nothing of that run can write to it any more."""

from collections.abc import Sequence

from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.errors import StorageError
from lapel.fragment import ClipFragment
from lapel.hardware.interfaces import RecordingFiles
from lapel.recording import Account
from lapel_fleet.hardware.memory_storage import CARD
from lapel_fleet.hardware.storage import SimulatedStorage


class PoweredStorage:
    """Implements `Storage` by another one, until `has_power` is taken away."""

    def __init__(self, card: SimulatedStorage) -> None:
        self._card = card
        self.has_power = True

    def check(self) -> None:
        """See `Storage.check`."""
        self._powered_card().check()

    def free_bytes(self) -> int:
        """See `Storage.free_bytes`."""
        return self._powered_card().free_bytes()

    def create(self, account: Account) -> RecordingFiles:
        """See `Storage.create`."""
        return _PoweredFiles(self, self._powered_card().create(account))

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        """See `Storage.log`."""
        return self._powered_card().log(entries)

    def recover(self) -> list[Account]:
        """See `Storage.recover`."""
        return self._powered_card().recover()

    def require_power(self) -> None:
        """Raise StorageError without power."""
        if not self.has_power:
            raise StorageError(f"{CARD}: there is no power")

    def require_writable(self) -> None:
        """Raise StorageError where the card refuses writes."""
        self._card.require_writable()

    def _powered_card(self) -> SimulatedStorage:
        self.require_power()
        return self._card


class _PoweredFiles:
    """Implements `RecordingFiles`."""

    def __init__(self, storage: PoweredStorage, inner: RecordingFiles) -> None:
        self._storage, self._inner = storage, inner

    def append(self, fragments: Sequence[ClipFragment]) -> None:
        self._storage.require_power()
        self._inner.append(fragments)

    def describe(self, account: Account) -> None:
        self._storage.require_power()
        self._inner.describe(account)

    def close(self) -> None:
        self._inner.close()
