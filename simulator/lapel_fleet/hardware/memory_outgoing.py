"""What leaves a storage card in memory, and what is deleted. Implements `OutgoingRecordings` and `Retention`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.errors import StorageError
from lapel.evidence.manifest import MANIFEST
from lapel.evidence.manifest_reader import ending_in
from lapel.evidence.receipt import Closed, PublicKey, Receipt, check_receipt
from lapel.evidence.retention import RetentionRules
from lapel.outgoing import OutgoingClip, StoredFile
from lapel.recording import Account, ExpiredRecording
from lapel_fleet.hardware.ended_clip import EndedClip

VIDEO, ACCOUNT = "video.mp4", "recording.json"
_CARD = "simulated card"


class CardInMemory(Protocol):
    """The storage card, as offload needs it."""

    @property
    def ended(self) -> Mapping[str, EndedClip]:
        """The clips on it that have ended, by id."""

    def listing(self) -> list[Account]:
        """The accounts of all clips that were ever on it."""

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        """See `Storage.log`."""

    def remove(self, recording: str) -> None:
        """Delete a clip that has ended."""


class MemoryOutgoing:
    """What leaves a card in memory, and what may be deleted from it."""

    def __init__(self, card: CardInMemory, back_ends: Sequence[PublicKey], rules: RetentionRules) -> None:
        """`back_ends`: the keys whose receipts count."""
        self._card, self._back_ends, self._rules = card, back_ends, rules
        self._receipts: dict[str, Receipt] = {}

    def clips(self) -> list[OutgoingClip]:
        """See `OutgoingRecordings.clips`."""
        return [
            OutgoingClip(account, self._files(account), is_confirmed=account.recording in self._receipts)
            for account in self._card.listing()
            if account.status == "recording" or account.recording in self._card.ended
        ]

    def read(self, recording: str, name: str, offset: int, length: int) -> bytes:
        """See `OutgoingRecordings.read`."""
        one = self._ended(recording)
        whole = {VIDEO: lambda: one.video, MANIFEST: lambda: one.manifest, ACCOUNT: lambda: _account_in(one)}
        if name not in whole:
            raise StorageError(f"{_CARD}: {recording}/{name}: there is no such file")
        return whole[name]()[offset : offset + length]

    def confirm(self, recording: str, receipt: bytes) -> str:
        """See `OutgoingRecordings.confirm`."""
        self._receipts[recording] = check_receipt(receipt, _closed(self._ended(recording)), self._back_ends)
        return self._receipts[recording].back_end

    def note_read_back(self, recording: str, where: str) -> None:
        """See `OutgoingRecordings.note_read_back`. Not kept: a simulated camera goes by receipts."""

    def expired(self, now: datetime) -> list[ExpiredRecording]:
        """See `Retention.expired`."""
        receipts = {recording: self._receipts.get(recording) for recording in self._card.ended}
        return [
            ExpiredRecording(
                recording,
                self._card.ended[recording].close,
                one.back_end if one else "",
                one.received_at if one else "",
                one.category if one else "",
            )
            for recording, one in receipts.items()
            if self._rules.reason_to_keep(one, now) is None
        ]

    def delete(self, recording: str, now: datetime, entry: AuditEntry) -> None:
        """See `Retention.delete`."""
        self._ended(recording)
        reason = self._rules.reason_to_keep(self._receipts.get(recording), now)
        if reason is not None:
            raise StorageError(f"{_CARD}: {recording}: may not be deleted: {reason}")
        self._card.log([entry])
        self._card.remove(recording)

    def _files(self, account: Account) -> list[StoredFile]:
        one = self._card.ended.get(account.recording)
        if one is None:
            return []
        video = [StoredFile(VIDEO, one.video_bytes)] if one.video_bytes else []
        return [*video, StoredFile(MANIFEST, one.manifest_bytes), StoredFile(ACCOUNT, len(_account_in(one)))]

    def _ended(self, recording: str) -> EndedClip:
        if recording not in self._card.ended:
            raise StorageError(f"{_CARD}: {recording}: there is no such clip that has ended")
        return self._card.ended[recording]


def _account_in(clip: EndedClip) -> bytes:
    ending = ending_in(clip.last_line)
    return msgspec.json.encode(ending.account) if ending is not None else b""


def _closed(clip: EndedClip) -> Closed:
    ending = ending_in(clip.last_line)
    if ending is None:
        raise StorageError(f"{_CARD}: {clip.recording}: its manifest has no last record")
    return Closed(
        recording=clip.recording,
        camera=ending.account.address,
        close=clip.close,
        fragments=ending.fragments,
        bytes=ending.bytes,
        ended_at=None,
    )
