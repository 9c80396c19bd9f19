"""Offload and retention by the card that is in a camera, with its faults, while the camera has power."""

from collections.abc import Callable
from datetime import datetime

from lapel.audit_entry import AuditEntry
from lapel.outgoing import OutgoingClip
from lapel.recording import ExpiredRecording
from lapel_fleet.hardware.powered_storage import PoweredStorage
from lapel_fleet.hardware.storage import Outgoing


class OutgoingCard:
    """Implements both for one run of the firmware. The card may be swapped meanwhile."""

    def __init__(
        self, current: Callable[[], Outgoing], storage: PoweredStorage, on_removed: Callable[[], None]
    ) -> None:
        """`current`: that of the card in the camera. `on_removed` is called when room was made."""
        self._current, self._storage, self._on_removed = current, storage, on_removed

    def clips(self) -> list[OutgoingClip]:
        """See `OutgoingRecordings.clips`."""
        return self._powered().clips()

    def read(self, recording: str, name: str, offset: int, length: int) -> bytes:
        """See `OutgoingRecordings.read`."""
        return self._powered().read(recording, name, offset, length)

    def confirm(self, recording: str, receipt: bytes) -> str:
        """See `OutgoingRecordings.confirm`."""
        return self._writable().confirm(recording, receipt)

    def note_read_back(self, recording: str, where: str) -> None:
        """See `OutgoingRecordings.note_read_back`."""
        self._writable().note_read_back(recording, where)

    def expired(self, now: datetime) -> list[ExpiredRecording]:
        """See `Retention.expired`."""
        return self._powered().expired(now)

    def delete(self, recording: str, now: datetime, entry: AuditEntry) -> None:
        """See `Retention.delete`."""
        self._writable().delete(recording, now, entry)
        self._on_removed()

    def _powered(self) -> Outgoing:
        self._storage.require_power()
        return self._current()

    def _writable(self) -> Outgoing:
        self._storage.require_writable()
        return self._powered()
