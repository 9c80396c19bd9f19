"""The evidence folder as offload reads it. Implements `outgoing.OutgoingRecordings`; every method blocks."""

import contextlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from lapel.clock import iso
from lapel.errors import EvidenceError, StorageError
from lapel.evidence.chain import DamagedLine, lines_in, parse_line
from lapel.evidence.disk import ACCOUNT, SEALED, VIDEO, storage_errors
from lapel.evidence.manifest import MANIFEST, Sealing
from lapel.evidence.receipt import PublicKey, make_read_back
from lapel.evidence.receipt_files import READ_BACK, RECEIPT, closed_recording, holds, store_receipt_line, write_receipt
from lapel.evidence.records import Encryption, Open
from lapel.evidence.signing import certified_key
from lapel.evidence.store import EvidenceStore
from lapel.files import is_regular_file, reading
from lapel.outgoing import OutgoingClip, StoredFile
from lapel.recording import Account

_FIRST = (VIDEO, SEALED, MANIFEST, ACCOUNT)
"""In this order; what a power cut left behind follows."""
_TAIL = ".tail-"
_Stamp = tuple[int, int]


class OutgoingFolder:
    """The clips of an evidence folder."""

    def __init__(
        self,
        store: EvidenceStore,
        back_ends: Sequence[PublicKey],
        sealing: Callable[[], Sealing],
        *,
        read_back_counts: bool = False,
    ) -> None:
        """`back_ends`: the keys whose receipts count. `sealing` signs what the camera has read back; with
        `read_back_counts` such a clip is confirmed.
        """
        self._store, self._back_ends, self._sealing = store, tuple(back_ends), sealing
        self._read_back_counts = read_back_counts
        self._checked: dict[Path, tuple[_Stamp, bool]] = {}

    def clips(self) -> list[OutgoingClip]:
        """See `OutgoingRecordings.clips`."""
        found = []
        with storage_errors(self._store.root):
            for account in self._store.listing():
                with contextlib.suppress(FileNotFoundError):  # it has just been deleted
                    found.append(self._clip(account))
        return found

    def read(self, recording: str, name: str, offset: int, length: int) -> bytes:
        """See `OutgoingRecordings.read`."""
        path = self._store.root / recording / name
        with storage_errors(path), reading(path) as file:
            file.seek(offset)
            return file.read(length)

    def confirm(self, recording: str, receipt: bytes) -> str:
        """See `OutgoingRecordings.confirm`."""
        return store_receipt_line(self._store.root / recording, receipt, self._back_ends).back_end

    def note_read_back(self, recording: str, where: str) -> None:
        """See `OutgoingRecordings.note_read_back`."""
        folder, sealing = self._store.root / recording, self._sealing()
        line = make_read_back(closed_recording(folder), where, iso(sealing.now().utc), sealing.signer)
        write_receipt(folder / READ_BACK, line)

    def _clip(self, account: Account) -> OutgoingClip:
        folder = self._store.root / account.recording
        if account.status == "recording":
            return OutgoingClip(account, ())
        opened = _opened(folder)
        encryption = opened.encryption if opened is not None else None
        keys = _key_file(encryption, account.recording) if encryption is not None else None
        return OutgoingClip(account, _files(folder), keys, self._is_confirmed(folder))

    def _is_confirmed(self, folder: Path) -> bool:
        if self._holds(folder / RECEIPT, self._back_ends):
            return True
        if not self._read_back_counts:
            return False
        try:
            camera_key = certified_key(self._sealing().signer)
        except EvidenceError as error:
            raise StorageError(str(error)) from error
        return self._holds(folder / READ_BACK, (camera_key,))

    def _holds(self, path: Path, keys: Sequence[PublicKey]) -> bool:
        """Whether a receipt holds. Checking reads the whole manifest, so that each file is checked once."""
        try:
            status = path.stat()
        except OSError:
            return False
        stamp = (status.st_mtime_ns, status.st_size)
        if self._checked.get(path, (None, False))[0] != stamp:
            self._checked[path] = (stamp, holds(path, keys))
        return self._checked[path][1]


def _files(folder: Path) -> list[StoredFile]:
    found = sorted(entry.name for entry in os.scandir(folder) if is_regular_file(Path(entry.path)))
    names = [name for name in _FIRST if name in found] + [name for name in found if _TAIL in name]
    return [StoredFile(name, (folder / name).stat().st_size) for name in names]


def _opened(folder: Path) -> Open | None:
    """The first record of a clip; None without a manifest that can be read. Its signature is not checked here."""
    try:
        with reading(folder / MANIFEST) as file:
            return msgspec.json.decode(parse_line(next(lines_in(file))).record, type=Open)
    except (OSError, StopIteration, DamagedLine, msgspec.DecodeError):
        return None


def _key_file(encryption: Encryption, recording: str) -> bytes:
    """With the attribute names of the Body worn integration API, where it has one."""
    recipients = [{"PublicKeyId": one.key_id, "EncryptedKey": one.wrapped_key} for one in encryption.recipients]
    content = {
        "Format": "lapel-key-1",
        "Recording": recording,
        "Cipher": encryption.cipher,
        "KeyWrapping": encryption.key_wrapping,
        "Recipients": recipients,
    }
    return json.dumps(content, indent=1).encode()
