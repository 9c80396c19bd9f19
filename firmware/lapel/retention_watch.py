"""Deletes from time to time what may go from the storage card, and reports each deletion."""

from datetime import datetime

import msgspec

from lapel.audit_trail import AuditTrail
from lapel.clock import Clock
from lapel.errors import StorageError
from lapel.hardware.interfaces import Retention
from lapel.link import event_details as detail
from lapel.recording import ExpiredRecording
from lapel.reporter import Reporter
from lapel.worker import Worker

INTERVAL_S, FULL_INTERVAL_S = 3_600.0, 60.0
"""Seconds between two looks; between two while the card is full. Each reads the manifests of all receipts."""


class RetentionWatch:
    """The camera's side of retention. Without `retention` nothing is ever deleted."""

    __slots__ = ("_audit", "_clock", "_looked_s", "_reporter", "_retention", "_worker")

    def __init__(
        self, retention: Retention | None, worker: Worker, clock: Clock, audit: AuditTrail, reporter: Reporter
    ) -> None:
        self._retention, self._worker, self._clock = retention, worker, clock
        self._audit, self._reporter = audit, reporter
        self._looked_s = -INTERVAL_S

    async def delete_expired(self, *, is_full: bool) -> bool:
        """Delete what may go, if it is time to look, which it is sooner when the card is full. Returns whether anything
        was deleted.

        Raises StorageError. With a clock that is not synced no time can have passed for certain: nothing goes.
        """
        retention = self._retention
        if retention is None:
            return False
        now, interval_s = self._clock.now(), FULL_INTERVAL_S if is_full else INTERVAL_S
        if not self._clock.is_trusted() or now.mono_s - self._looked_s < interval_s:
            return False
        self._looked_s, at = now.mono_s, now.utc
        expired = await self._worker.run(lambda: retention.expired(at))
        for one in expired:
            await self._delete(retention, one, at)
        return bool(expired)

    async def _delete(self, retention: Retention, one: ExpiredRecording, at: datetime) -> None:
        entry = self._audit.entry("deletion", msgspec.structs.asdict(one))
        try:
            await self._worker.run(lambda: retention.delete(one.recording, at, entry))
        except StorageError as error:
            self._reporter.announce(str(error), "warning")
            raise
        self._reporter.announce(f"deleted {one.recording}: imported by {one.back_end} at {one.received_at}")
        self._reporter.emit(detail.RecordingDeleted(recording=one.recording, back_end=one.back_end))
