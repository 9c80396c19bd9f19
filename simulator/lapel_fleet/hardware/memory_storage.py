"""A storage card in memory: recordings of cameras whose clips are not needed as files. Implements `Storage`."""

import errno
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from lapel import mp4_boxes as boxes
from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.errors import EvidenceError, StorageError
from lapel.evidence.audit_reader import Logged
from lapel.evidence.chain import ChainWriter, Link, seal
from lapel.evidence.disk import storage_error
from lapel.evidence.interruption import recovered_record
from lapel.evidence.ledger import ledger_of, why
from lapel.evidence.manifest import Manifest, Sealing
from lapel.evidence.manifest_reader import read_lines
from lapel.evidence.receipt import PublicKey
from lapel.evidence.records import AuditRecord, Close
from lapel.evidence.recovery import interrupted
from lapel.evidence.retention import RetentionRules
from lapel.fragment import TICKS_PER_S, ClipFragment
from lapel.recording import Account
from lapel_fleet.checkers.records import ClipContent, Deletion, ManifestSummary
from lapel_fleet.hardware.ended_clip import EndedClip
from lapel_fleet.hardware.memory_outgoing import MemoryOutgoing

CARD = "simulated card"
"""Stands in error messages where a real storage card has its folder."""
CARD_BYTES = 64_000_000_000
"""64 GB, the smaller of the usual sizes in body-worn cameras."""


class MemoryStorage:
    """Recordings in memory. Like a storage card it outlives the camera session that wrote to it."""

    def __init__(
        self,
        *,
        keeps_finished: bool = True,
        sealing: Sealing | None = None,
        keeps_audit: bool = False,
        verifies: bool = False,
    ) -> None:
        """Without `keeps_finished` only the sizes of a finished clip's video and manifest are kept: a fleet makes
        thousands of clips, and their videos are never read. `sealing` signs manifests and the audit log; without it
        there are none. `keeps_audit`: keep the entries of the audit log, not only where it stands. `verifies`: verify
        each manifest, which takes longer than signing it.
        """
        self._accounts: dict[str, Account] = {}
        self._videos: dict[str, bytearray] = {}
        self._finished_bytes: int | None = None if keeps_finished else 0
        self._sealing = sealing
        self._manifests: dict[str, MemoryManifest] = {}
        self._verified: list[ManifestSummary] | None = [] if verifies else None
        self._audit_position = Link()
        self._ended: dict[str, EndedClip] = {}
        self.removed: dict[str, EndedClip] = {}
        """The clips that were deleted, by id."""
        self.deletions: list[Deletion] = []
        self.audit: list[AuditEntry] | None = [] if keeps_audit else None
        """The entries of the audit log, where they are kept."""

    def check(self) -> None:
        """See `Storage.check`. Never fails."""

    def free_bytes(self) -> int:
        """What is left of 64 GB."""
        return CARD_BYTES - sum(map(len, self._videos.values())) - (self._finished_bytes or 0)

    def create(self, account: Account) -> "MemoryFiles":
        """See `Storage.create`. Raises StorageError when the recording's id exists."""
        if account.recording in self._accounts:
            raise storage_error(f"{CARD}: {account.recording}", OSError(errno.EEXIST, "exists"))
        manifest = MemoryManifest(self._sealing, account) if self._sealing else None
        if manifest is not None:
            self._manifests[account.recording] = manifest
        files = MemoryFiles(account.recording, self._accounts, self._videos, self._finish, manifest)
        files.describe(account)
        return files

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        """See `Storage.log`."""
        if self._sealing is None:
            return AuditPosition(0, "")
        for entry in entries:
            _, self._audit_position = seal(AuditRecord(entry=entry), self._audit_position, self._sealing.signer)
        if self.audit is not None:
            self.audit += entries
        return AuditPosition(self._audit_position.count, self._audit_position.head or "")

    def recover(self) -> list[Account]:
        """See `Storage.recover`."""
        unfinished = [account for account in self._accounts.values() if account.status == "recording"]
        found = [interrupted(one, boxes.extent(io.BytesIO(self._video(one.recording)))) for one in unfinished]
        self._accounts.update({account.recording: account for account in found})
        for account in found:
            if (manifest := self._manifests.get(account.recording)) is not None:
                manifest.close_interrupted(account)
                self._finish(account.recording)
        return found

    def listing(self) -> list[Account]:
        """The accounts of all clips, in the order in which they began."""
        return list(self._accounts.values())

    def why(self, at: datetime) -> str:
        """See `StorageCard.why`."""
        if not self.audit:
            raise EvidenceError(f"{CARD}: there is no audit log")
        return why(ledger_of([Logged(entry) for entry in self.audit]), at)

    def contents(self) -> dict[str, ClipContent]:
        """See `StorageCard.contents`."""
        return {recording: one.content for recording, one in {**self._ended, **self.removed}.items()}

    def outgoing(self, back_ends: Sequence[PublicKey], rules: RetentionRules) -> MemoryOutgoing:
        """See `StorageCard.outgoing`."""
        return MemoryOutgoing(self, back_ends, rules)

    def close(self) -> None:
        """See `StorageCard.close`. There is nothing to release."""

    def video(self, recording: str) -> bytes:
        """The video of a clip. Raises StorageError when there is none."""
        if recording not in self._videos:
            raise StorageError(f"{CARD}: there is no video of {recording}")
        return self._video(recording)

    def manifest(self, recording: str) -> bytes:
        """The manifest of a clip. Raises StorageError when there is none any more."""
        if recording not in self._manifests:
            raise StorageError(f"{CARD}: there is no manifest of {recording}")
        return bytes(self._manifests[recording].lines)

    def manifests(self) -> list[ManifestSummary]:
        """See `StorageCard.manifests`."""
        if self._verified is None:
            return []
        return [*self._verified, *(summary_of(recording, one.lines) for recording, one in self._manifests.items())]

    def file(self, recording: str) -> Path:
        """See `StorageCard.file`. Always raises StorageError: there are no files."""
        raise StorageError(f"{CARD}: {recording} is in memory only; cameras that film a clip keep files")

    @property
    def ended(self) -> Mapping[str, EndedClip]:
        """The clips that have ended, by id, while they are on the card. Those without a manifest cannot leave it."""
        return self._ended

    def remove(self, recording: str) -> None:
        """Delete a clip that has ended. Its account stays in `listing`, which has every clip that was ever made."""
        one = self.removed[recording] = self._ended.pop(recording)
        at_s = self._sealing.now().mono_s if self._sealing is not None else 0.0
        self.deletions.append(Deletion(at_s, recording, one.close))
        size_bytes = len(self._videos.pop(recording, b"")) or self._accounts[recording].video_bytes
        if self._finished_bytes is not None:
            self._finished_bytes -= size_bytes

    def _video(self, recording: str) -> bytes:
        return bytes(self._videos.get(recording, b""))

    def _finish(self, recording: str) -> None:
        if self._accounts[recording].status == "recording":
            return
        manifest, size_bytes = self._manifests.get(recording), len(self._videos.get(recording, b""))
        if manifest is not None:
            last = manifest.lines[manifest.lines.rfind(b"\n", 0, -1) + 1 :]
            kept = self._finished_bytes is None
            whole = (self._video(recording), bytes(manifest.lines)) if kept else None
            self._ended[recording] = EndedClip(recording, size_bytes, len(manifest.lines), bytes(last), whole)
        if self._finished_bytes is not None:
            self._finished_bytes += size_bytes
            self._videos.pop(recording, None)
            self._manifests.pop(recording, None)
            if self._verified is not None and manifest is not None:
                self._verified.append(summary_of(recording, manifest.lines))


class MemoryFiles:
    """One clip in memory. Implements `RecordingFiles`."""

    def __init__(
        self,
        recording: str,
        accounts: dict[str, Account],
        videos: dict[str, bytearray],
        finish: Callable[[str], None],
        manifest: "MemoryManifest | None" = None,
    ) -> None:
        self._recording = recording
        self._accounts = accounts
        self._videos = videos
        self._finish = finish
        self._manifest = manifest
        self._closed = False

    def append(self, fragments: Sequence[ClipFragment]) -> None:
        """See `RecordingFiles.append`. Raises StorageError once closed."""
        if self._closed:
            raise StorageError(f"{CARD}: {self._recording} is closed, nothing can be appended")
        video = self._videos.setdefault(self._recording, bytearray())
        for fragment in fragments:
            video += self._manifest.stage(fragment) if self._manifest else b"".join(fragment.chunks)
        if self._manifest is not None:
            self._manifest.commit()

    def describe(self, account: Account) -> None:
        """See `RecordingFiles.describe`."""
        if self._manifest is not None:
            self._manifest.describe(account)
        self._accounts[self._recording] = msgspec.structs.replace(account)

    def close(self) -> None:
        """See `RecordingFiles.close`."""
        if not self._closed:
            self._closed = True
            self._finish(self._recording)


class MemoryManifest(Manifest):
    """The manifest of a clip in memory."""

    def __init__(self, sealing: Sealing, account: Account) -> None:
        self.lines = bytearray()
        self._sealing = sealing
        super().__init__(sealing, self.lines.extend, account)

    def close_interrupted(self, account: Account) -> None:
        """As the next session does after a power cut; a card in memory has no torn tails."""
        recovered = recovered_record(account, self._sealing)
        ChainWriter(self._sealing.signer, self.lines.extend, self.position).add(recovered)


def summary_of(recording: str, lines: bytearray) -> ManifestSummary:
    """What a manifest holds, as `lapel-evidence verify` reads it."""
    try:
        manifest = read_lines(recording, bytes(lines).splitlines(keepends=True))
    except EvidenceError as error:
        return ManifestSummary(recording, str(error), "", 0, 0)
    ending = manifest.ending
    kind = "" if ending is None else "close" if isinstance(ending, Close) else "recovered"
    problem = manifest.problems[0].reason if manifest.problems else ""
    with_sound = [one for one in manifest.fragments if one.sound]
    return ManifestSummary(
        recording,
        problem,
        kind,
        described=len(manifest.fragments),
        counted=ending.fragments if ending is not None else 0,
        with_sound=len(with_sound),
        first_sound_s=with_sound[0].end_ticks / TICKS_PER_S if with_sound else None,
    )
