"""Deletes recordings from the storage card, never one that may not go. Implements `hardware.interfaces.Retention`.

    root/.deleted/RECORDING/manifest.jsonl    stays: what was recorded, second by second
    root/.deleted/RECORDING/receipt.json      stays: who has it; `read-back.json` where the camera has read it back

A deletion is written to the audit log before anything is removed. Then the folder is moved there, and only then its
other files are removed: what a power cut leaves is no recording any more, and is removed the next time.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from lapel.audit_entry import AuditEntry
from lapel.errors import EvidenceError, StorageError
from lapel.evidence.disk import DELETED, storage_errors
from lapel.evidence.manifest import MANIFEST
from lapel.evidence.receipt import PublicKey, Receipt
from lapel.evidence.receipt_files import READ_BACK, RECEIPT, stored_read_back, stored_receipt
from lapel.evidence.retention import RetentionRules
from lapel.evidence.store import EvidenceStore
from lapel.files import PRIVATE_FOLDER, sync_folder
from lapel.recording import ExpiredRecording

_KEPT = (MANIFEST, RECEIPT, READ_BACK)


class RecordingDeleter:
    """Decides by receipts and rules, and deletes."""

    def __init__(
        self,
        store: EvidenceStore,
        rules: RetentionRules,
        back_ends: Sequence[PublicKey],
        camera_key: Callable[[], PublicKey] | None = None,
    ) -> None:
        """`back_ends`: the keys whose receipts count. `camera_key` is the camera's own, where its notes on what it has
        read back count as well; it may raise EvidenceError.
        """
        self._store, self._rules, self._back_ends = store, rules, tuple(back_ends)
        self._camera_key = camera_key

    def expired(self, now: datetime) -> list[ExpiredRecording]:
        """See `Retention.expired`. Finishes what a power cut interrupted."""
        self._finish()
        found = (self._expired(account.recording, now) for account in self._store.listing())
        return [one for one in found if one is not None]

    def delete(self, recording: str, now: datetime, entry: AuditEntry) -> None:
        """See `Retention.delete`."""
        folder = self._store.root / recording
        _, reason = self._decide(folder, now)
        if reason is not None:
            raise StorageError(f"{folder}: may not be deleted: {reason}")
        self._store.log([entry])
        with storage_errors(folder):
            deleted = self._store.root / DELETED
            deleted.mkdir(PRIVATE_FOLDER, exist_ok=True)
            folder.rename(deleted / recording)
            sync_folder(deleted)
            sync_folder(self._store.root)
            _strip(deleted / recording)

    def _expired(self, recording: str, now: datetime) -> ExpiredRecording | None:
        receipt, reason = self._decide(self._store.root / recording, now)
        if receipt is None or reason is not None:
            return None
        return ExpiredRecording(recording, receipt.close, receipt.back_end, receipt.received_at, receipt.category)

    def _decide(self, folder: Path, now: datetime) -> tuple[Receipt | None, str | None]:
        """The receipt of a recording, and why it must stay; None when it may go."""
        try:
            receipt = stored_receipt(folder, self._back_ends)
            if receipt is None and self._camera_key is not None:
                receipt = stored_read_back(folder, self._camera_key())
        except EvidenceError as error:
            return None, str(error)
        return receipt, self._rules.reason_to_keep(receipt, now)

    def _finish(self) -> None:
        deleted = self._store.root / DELETED
        with storage_errors(deleted):
            for folder in sorted(deleted.iterdir()) if deleted.is_dir() else ():
                _strip(folder)


def _strip(folder: Path) -> None:
    """Remove everything but what stays."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name not in _KEPT:
                os.unlink(entry.path)
