"""The receipt beside a recording, and the keys that sign and check receipts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from lapel import files
from lapel.errors import EvidenceError
from lapel.evidence.manifest import MANIFEST
from lapel.evidence.manifest_reader import ReadManifest, read_manifest
from lapel.evidence.pem_keys import read_file, read_private, read_public
from lapel.evidence.receipt import Closed, PrivateKey, PublicKey, Receipt, check_receipt
from lapel.evidence.signing import is_p256
from lapel.recording import Account

RECEIPT = "receipt.json"
READ_BACK = "read-back.json"
"""The camera's own note that it has read a clip back from an object store, unchanged: see `make_read_back`."""


def closed_recording(folder: Path) -> Closed:
    """What a receipt for the recording in `folder` must name. Raises EvidenceError for one that has not ended."""
    try:
        manifest = read_manifest(folder / MANIFEST)
    except OSError as error:
        raise EvidenceError(f"{folder / MANIFEST}: cannot be read: {error.strerror}") from error
    return closed_by(manifest, str(folder / MANIFEST))


def closed_by(manifest: ReadManifest, name: str) -> Closed:
    """The same by its manifest. Raises EvidenceError that begins with `name`."""
    if manifest.problems:
        raise EvidenceError(f"{name}: {manifest.problems[0].reason}")
    ending, close = manifest.ending, manifest.position.head
    if ending is None or close is None:
        raise EvidenceError(f"{name}: the recording has not been closed yet, so no receipt can be for it")
    account = ending.account
    return Closed(
        recording=account.recording,
        camera=account.address,
        close=close,
        fragments=ending.fragments,
        bytes=ending.bytes,
        ended_at=_end_of(account),
    )


def stored_receipt(folder: Path, back_ends: Sequence[PublicKey]) -> Receipt | None:
    """The receipt on file for a recording, None while there is none. Raises EvidenceError when it does not hold."""
    path = folder / RECEIPT
    if not path.exists():
        return None
    return _checked(path, folder, back_ends)


def stored_read_back(folder: Path, camera_key: PublicKey) -> Receipt | None:
    """The camera's own note that it has read the clip back; None while there is none. Raises EvidenceError."""
    path = folder / READ_BACK
    return _checked(path, folder, (camera_key,)) if path.exists() else None


def holds(path: Path, keys: Sequence[PublicKey]) -> bool:
    """Whether the receipt at `path`, in the folder of its recording, holds."""
    try:
        _checked(path, path.parent, keys)
    except EvidenceError:
        return False
    return True


def store_receipt_line(folder: Path, line: bytes, back_ends: Sequence[PublicKey]) -> Receipt:
    """Check a receipt and put it on file. Raises EvidenceError."""
    receipt = check_receipt(line, closed_recording(folder), back_ends)
    write_receipt(folder / RECEIPT, line)
    return receipt


def store_receipt(folder: Path, source: Path, back_ends: Sequence[PublicKey]) -> Receipt:
    """Check the receipt in `source` and put it on file. Raises EvidenceError."""
    receipt = _checked(source, folder, back_ends)
    write_receipt(folder / RECEIPT, read_file(source))
    return receipt


def write_receipt(path: Path, line: bytes) -> None:
    """Write a receipt. Raises EvidenceError."""
    try:
        files.replace(path, line)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be written: {error.strerror}") from error


def read_back_ends(paths: Sequence[Path]) -> list[PublicKey]:
    """The keys of the back ends whose receipts count: public keys or certificates in PEM. Raises EvidenceError."""
    return [_back_end(path) for path in paths]


def read_back_end_key(path: Path, password: Callable[[], bytes]) -> PrivateKey:
    """The private key of a back end. Raises EvidenceError."""
    key = read_private(path, password)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and is_p256(key):
        return key
    raise EvidenceError(f"{path}: is neither an Ed25519 nor a P-256 key, the kinds that sign receipts")


def _back_end(path: Path) -> PublicKey:
    key = read_public(path)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and is_p256(key):
        return key
    raise EvidenceError(f"{path}: is neither an Ed25519 nor a P-256 key, the kinds that sign receipts")


def _checked(path: Path, folder: Path, back_ends: Sequence[PublicKey]) -> Receipt:
    line, closed = read_file(path), closed_recording(folder)
    try:
        return check_receipt(line, closed, back_ends)
    except EvidenceError as error:
        raise EvidenceError(f"{path}: {error}") from error


def _end_of(account: Account) -> datetime | None:
    """When a recording ended, where the camera's clock can be compared with a back end's."""
    if account.end_time is None or account.clock_quality_end != "synced":
        return None
    return datetime.fromisoformat(account.end_time)
