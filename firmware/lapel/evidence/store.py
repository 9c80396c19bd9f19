"""The evidence folder: one folder per clip, written so that a power cut loses little.

    root/.lapel.lock                  held by the camera that records here
    root/<recording>/video.mp4        `video.mp4.part` until the first fragment is synced; `video.sealed` if encrypted
    root/<recording>/manifest.jsonl   signed records of everything that the clip consists of; only appended to
    root/<recording>/recording.json   the clip's account in short; replaced atomically, never edited in place

    root/.audit/audit-000001.jsonl    signed entries of everything that happened to the camera (`audit_log.py`)
    root/<recording>/.reserve         space for the last account on a full card, while the clip is written

Video is only ever appended to. The one exception: what follows the last fragment that a record describes is cut off,
after a failed write or a power cut; after a power cut it is kept beside. Nothing in this package deletes video.
"""

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.errors import ClipLostError, EvidenceError, StorageError
from lapel.evidence.append_file import AppendFile, Sync
from lapel.evidence.audit_log import AuditLog
from lapel.evidence.disk import (
    ACCOUNT,
    PART,
    RESERVE,
    SEALED,
    VIDEO,
    UnreadableAccount,
    hold_reserve,
    read_account,
    release_reserve,
    storage_errors,
    write_account,
)
from lapel.evidence.folder_ledger import why_in_folder
from lapel.evidence.manifest import MANIFEST, Manifest, Sealing
from lapel.evidence.recovery import recovered, whole_extent
from lapel.evidence.signing import require_usable
from lapel.files import PRIVATE, PRIVATE_FOLDER, is_at, is_regular_file, open_no_follow, sync_folder, write
from lapel.fragment import ClipFragment
from lapel.mp4_boxes import NOTHING
from lapel.own_files import DamageReports
from lapel.recording import Account

MIN_FREE_BYTES = 64 * 1024 * 1024
"""A minute at 8 Mb/s: below this no recording begins, so that there is room to finish what has begun."""

RESERVE_BYTES = 64 * 1024
"""Held by each clip while it is written, so that a full card still takes its last account: some 10 KB with gaps."""

_LOCK = ".lapel.lock"
_PROBE = ".lapel.probe"


class EvidenceStore:
    """A folder that holds recordings. Implements `hardware.interfaces.Storage`; every method blocks.

    Touches nothing until it is first used, so that a card which is missing at power-on may be put in later. The first
    `check`, `create` or `recover` takes the folder for this camera, until `close`: a second camera there would take
    the first one's live recording for an unfinished one. Reading (`listing`, `video`) needs no lock.
    """

    def __init__(
        self,
        root: Path,
        min_free_bytes: int = MIN_FREE_BYTES,
        *,
        sync: Sync = os.fdatasync,
        reserve_bytes: int = RESERVE_BYTES,
        damage: DamageReports | None = None,
        sealing: Callable[[], Sealing] | None = None,
    ) -> None:
        """`min_free_bytes`: room that must be left for a recording to begin. `damage` is where a damaged
        `recording.json` is reported. `sealing` loads what signs and encrypts; it is called
        when the folder is taken, and may raise EvidenceError. Without it clips have no manifest.
        """
        self.root = root
        self._damage = damage or DamageReports()
        self._min_free_bytes = min_free_bytes
        self._sync, self._reserve_bytes = sync, reserve_bytes
        self._make_sealing = sealing
        self._audit = AuditLog(root, sync)
        self._sealing: Sealing | None = None
        self._lock: int | None = None
        self._taking = threading.Lock()

    def check(self) -> None:
        """Raise StorageError when a recording could not begin now. It writes a file to find out."""
        self._take()
        self._probe()
        free, needed = self.free_bytes(), self._min_free_bytes
        if free < needed:
            raise StorageError(
                f"{self.root}: the disk is full ({free / 1e6:.1f} MB free, {needed / 1e6:.1f} MB needed to begin); "
                "offload recordings to make room"
            )

    def check_key(self) -> str:
        """In words, what evidence is signed with; it was just tried. Raises StorageError when it cannot be used."""
        self._take()
        if self._sealing is None:
            return "recordings are not signed"
        try:
            return f"signs with {require_usable(self._sealing.signer)[:16]}"
        except EvidenceError as error:
            raise StorageError(str(error)) from error

    def free_bytes(self) -> int:
        """Bytes that this user may still write."""
        with storage_errors(self.root):
            disk = os.statvfs(self.root)
        return disk.f_bavail * disk.f_frsize

    def create(self, account: Account) -> "ClipFiles":
        """A new folder named `account.recording`, synced, with its first `recording.json`."""
        self._take()
        folder = self._folder(account.recording)
        with storage_errors(folder):
            folder.mkdir(PRIVATE_FOLDER)
        try:
            write_account(folder, account)
            files = ClipFiles(folder, self._sync, account, self._sealing, self._reserve_bytes)
            with storage_errors(self.root):
                sync_folder(folder)
                sync_folder(self.root)
        except StorageError:
            _remove_unbegun(folder)
            raise
        return files

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        """Append entries to the audit log. Without `sealing` there is none."""
        self._take()
        if self._sealing is None:
            return AuditPosition(0, "")
        return self._audit.append(entries, self._sealing)

    def recover(self) -> list[Account]:
        """Mark what an earlier session left unfinished as *interrupted*, keep it, and return those clips."""
        self._take()
        found = (recovered(folder, self._damage, self._sealing) for folder in self._folders())
        return [account for account in found if account is not None]

    def listing(self) -> list[Account]:
        """The accounts of all clips, oldest trigger first; folders without a readable account are left out."""
        accounts = [account for folder in self._folders() if (account := _account_or_none(folder)) is not None]
        return sorted(accounts, key=lambda account: (account.trigger_time, account.start_time or "", account.recording))

    def video(self, recording: str) -> Path:
        """Path of a clip's video. Raises StorageError when there is no such clip or it has no frames."""
        folder = self._folder(recording)
        path = next((folder / name for name in (VIDEO, SEALED) if is_regular_file(folder / name)), folder / VIDEO)
        if folder.is_symlink() or not is_regular_file(path):
            raise StorageError(f"{path}: there is no such video; look for its id in the list of recordings")
        return path

    def why(self, at: datetime) -> str:
        """Why there is a recording of a moment, or why there is none, by the audit log. Raises EvidenceError too."""
        return why_in_folder(self.root, self.listing(), at)

    def close(self) -> None:
        """Release the folder for another camera. Harmless when closed."""
        with self._taking:
            self._release()

    def _folder(self, recording: str) -> Path:
        """The clip's folder. Ids also come from users: none may lead out of the root."""
        if not recording or recording.startswith(".") or "/" in recording or "\0" in recording:
            raise StorageError(f"{self.root}: {recording!r} is not the id of a recording")
        return self.root / recording

    def _folders(self) -> list[Path]:
        with storage_errors(self.root), os.scandir(self.root) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return [self.root / name for name in sorted(names) if not name.startswith(".")]

    def _probe(self) -> None:
        """Write, sync and remove a block: the root user passes every permission check, so only a real write shows."""
        path = self.root / _PROBE
        with storage_errors(self.root):
            try:
                with open_no_follow(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK) as descriptor:
                    write(descriptor, bytes(4096))
                    os.fsync(descriptor)
            finally:
                path.unlink(missing_ok=True)

    def _take(self) -> None:
        """Hold the lock file exclusively; lock it again when the card was changed."""
        path = self.root / _LOCK
        with self._taking, storage_errors(self.root):
            if self._lock is not None and is_at(self._lock, path):
                self._load_key()
                return
            self._release()
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, PRIVATE)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._release()
                raise self._in_use() if error.errno == errno.EWOULDBLOCK else error from error
            self._load_key()

    def _load_key(self) -> None:
        """Load the key when it is needed first: it may be on the same card, which may be missing or read-only."""
        if self._sealing is None and self._make_sealing is not None:
            try:
                self._sealing = self._make_sealing()
            except EvidenceError as error:
                raise StorageError(str(error)) from error

    def _in_use(self) -> StorageError:
        return StorageError(f"{self.root}: another camera records here; give each camera an evidence folder of its own")

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = self._sealing = None
        self._audit.close()


class ClipFiles:
    """The files of a clip while it is written: video, manifest and account. Implements `interfaces.RecordingFiles`.

    The video is synced first, then the records that describe it: a record never stands for bytes that may be lost.
    """

    def __init__(self, folder: Path, sync: Sync, account: Account, sealing: Sealing | None, reserve_bytes: int) -> None:
        """Begins the manifest. `reserve_bytes` are held on the disk for the last records and the last account."""
        self._folder = folder
        self._sync = sync
        self._video: AppendFile | None = None
        self._broken = False
        self._records: AppendFile | None = None
        self._manifest: Manifest | None = None
        if sealing is not None:
            self._records = AppendFile(folder / MANIFEST, sync, is_new=True)
            self._manifest = Manifest(sealing, self._records.append, account)
        self._name = SEALED if self._manifest is not None and self._manifest.is_encrypted else VIDEO
        hold_reserve(folder, reserve_bytes)
        # A cancelled task leaves its write running in a worker's thread; `close` waits for it here.
        self._busy = threading.Lock()

    def append(self, fragments: Sequence[ClipFragment]) -> None:
        """Write and sync. After a failure nothing more is accepted, and partly written fragments are cut off."""
        with self._busy:
            if self._broken:
                raise StorageError(f"{self._folder / self._name}: accepts no more video: closed, or a write failed")
            self._verify()
            self._broken = True  # until this call has succeeded
            self._write(fragments)
            self._broken = False

    def describe(self, account: Account) -> None:
        """Add what is new to the manifest and replace `recording.json`, atomically and synced. On a full disk the last
        ones use the reserve.

        Raises ClipLostError for a *complete* account of a video that is not as it was written.
        """
        with self._busy:
            if account.status == "complete":
                self._verify()
            try:
                self._describe(account)
            except StorageError:
                if account.status == "recording" or not release_reserve(self._folder):
                    raise
                self._describe(account)

    def close(self) -> None:
        """Release the files and the reserve. Harmless when closed."""
        with self._busy:
            self._broken = True
            for file in (self._video, self._records):
                if file is not None:
                    file.close()
            self._video = self._records = None
            release_reserve(self._folder)

    def _write(self, fragments: Sequence[ClipFragment]) -> None:
        manifest, before_bytes = self._manifest, self._video.size_bytes if self._video else 0
        if manifest is None:
            self._write_video([chunk for fragment in fragments for chunk in fragment.chunks])
            return
        contents = [manifest.stage(fragment) for fragment in fragments]
        try:
            self._write_video(contents)
            manifest.commit()
        except StorageError:
            manifest.discard(len(contents), sum(map(len, contents)))
            if self._video is not None:
                self._video.cut(before_bytes)
            raise

    def _write_video(self, chunks: Sequence[bytes | bytearray]) -> None:
        if self._video is not None:
            self._video.append(*chunks)
            return
        self._video = AppendFile(self._folder / f"{self._name}{PART}", self._sync, is_new=True)
        self._video.append(*chunks)
        self._video.rename(self._folder / self._name)

    def _describe(self, account: Account) -> None:
        """The manifest first, so that `recording.json` is never *complete* without it. A *failed* clip has its account
        even where the manifest could not be written.
        """
        try:
            if self._manifest is not None:
                self._manifest.describe(account)
        except StorageError:
            if account.status == "failed":
                write_account(self._folder, account)
            raise
        write_account(self._folder, account)

    def _verify(self) -> None:
        """Raise ClipLostError unless video and manifest are under their names, and as long as they were written."""
        for file in (self._video, self._records):
            if file is None:
                continue
            size_bytes = file.actual_bytes()
            if not file.is_in_place():
                what = (
                    "was replaced by another file" if os.path.lexists(file.path) else "was removed, or its folder was,"
                )
                raise ClipLostError(
                    f"{file.path}: {what} while it was being recorded; find out which program did it", NOTHING
                )
            if size_bytes != file.size_bytes:
                raise ClipLostError(
                    f"{file.path}: has {size_bytes} bytes where {file.size_bytes} were written; "
                    "another program changed it",
                    whole_extent(self._folder),
                )


def _remove_unbegun(folder: Path) -> None:
    """Remove a clip's folder that could not be begun, so that it is not taken for a recording."""
    for name in (ACCOUNT, MANIFEST, RESERVE):
        with contextlib.suppress(OSError):
            (folder / name).unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _account_or_none(folder: Path) -> Account | None:
    try:
        return read_account(folder)
    except (UnreadableAccount, OSError):
        return None
