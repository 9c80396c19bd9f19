"""A receipt: a back end's signed word that it has imported a recording. Only with it may the camera delete its own.

One line, in the form of a manifest's lines (`chain.py`), so that `sed` and `openssl` check it:

    {"receipt":{"back_end":"…","close":"9f0c…", …},"signature":"MEUC…"}

The signature is of the canonical JSON between `"receipt":` and `,"signature"`: Ed25519, or ECDSA on P-256 with SHA-256.
Knows no files: see `receipt_files.py`.
"""

import base64
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from lapel.errors import EvidenceError
from lapel.evidence.chain import canonical
from lapel.evidence.signing import Signer, certified_key, is_signed, key_id, sign_deterministically

FORMAT: Final = "lapel-receipt-1"
CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far the clocks of a back end and of a camera that is *synced* may be apart."""

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
_LINE = re.compile(rb'\{"receipt":(\{.*\}),"signature":"([A-Za-z0-9+/=]*)"\}\n')


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a back end confirms."""

    format: str = FORMAT
    recording: str
    camera: str
    """`agency/site/camera`."""
    close: str
    """SHA-256 of the manifest's last line, in hex: it binds everything before it."""
    fragments: int
    bytes: int
    """Length of the video as the camera stored it."""
    received_at: str
    """ISO 8601, by the back end's clock."""
    category: str = ""
    """What kind of incident it shows, by the back end; empty when that does not say."""
    back_end: str
    """Which system imported the recording, in its own words."""
    key_id: str
    """SHA-256 of the public key (DER SubjectPublicKeyInfo) that signed this, in hex."""


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt must name: a recording that has ended, by its manifest."""

    recording: str
    camera: str
    close: str
    fragments: int
    bytes: int
    ended_at: datetime | None
    """By the camera's clock; None where that could not be trusted."""


def make_receipt(closed: Closed, back_end: str, received_at: str, key: PrivateKey, category: str = "") -> bytes:
    """The line of a receipt."""
    return _line(closed, back_end, received_at, key.public_key(), lambda content: _sign(content, key), category)


def make_read_back(closed: Closed, where: str, read_at: str, signer: Signer) -> bytes:
    """The camera's own note, in the form of a receipt, that it has read a whole recording back from `where`, unchanged.

    It says what the camera saw, not that a back end has imported anything: its key is the camera's.
    """
    return _line(closed, f"read back by the camera from {where}", read_at, certified_key(signer), signer.sign)


def check_receipt(line: bytes, closed: Closed, back_ends: Sequence[PublicKey]) -> Receipt:
    """The receipt in `line`. Raises EvidenceError unless a trusted back end signed it for exactly this recording."""
    receipt, content, signature = _parsed(line)
    key = next((one for one in back_ends if key_id(one) == receipt.key_id), None)
    if key is None:
        raise EvidenceError(f"the receipt is signed by a key that is not trusted here, {receipt.key_id[:16]}…")
    if not _is_signed(content, signature, key):
        raise EvidenceError("the receipt's signature does not fit: it was changed, or made with another key")
    if (receipt.recording, receipt.camera) != (closed.recording, closed.camera):
        raise EvidenceError(f"the receipt is for another recording, {receipt.recording} of {receipt.camera}")
    if (receipt.close, receipt.fragments, receipt.bytes) != (closed.close, closed.fragments, closed.bytes):
        raise EvidenceError("the receipt is for another state of this recording, not for the one that was closed")
    _require_after_end(receipt, closed)
    return receipt


def _line(
    closed: Closed,
    back_end: str,
    received_at: str,
    key: PublicKey,
    sign: Callable[[bytes], bytes],
    category: str = "",
) -> bytes:
    content = canonical(
        Receipt(
            recording=closed.recording,
            camera=closed.camera,
            close=closed.close,
            fragments=closed.fragments,
            bytes=closed.bytes,
            received_at=received_at,
            category=category,
            back_end=back_end,
            key_id=key_id(key),
        )
    )
    return b'{"receipt":' + content + b',"signature":"' + base64.b64encode(sign(content)) + b'"}\n'


def _parsed(line: bytes) -> tuple[Receipt, bytes, bytes]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise EvidenceError("is no receipt")
    try:
        receipt = msgspec.json.decode(found[1], type=Receipt)
        signature = base64.b64decode(found[2], validate=True)
    except (msgspec.DecodeError, ValueError) as error:
        raise EvidenceError(f"the receipt cannot be read: {error}") from error
    if receipt.format != FORMAT:
        raise EvidenceError(f"the receipt is of the format {receipt.format!r} instead of {FORMAT}")
    return receipt, found[1], signature


def _require_after_end(receipt: Receipt, closed: Closed) -> None:
    try:
        received_at = datetime.fromisoformat(receipt.received_at)
        is_early = closed.ended_at is not None and received_at < closed.ended_at - CLOCK_TOLERANCE
    except (ValueError, TypeError) as error:  # no time at all; one without its zone
        raise EvidenceError(f"the receipt names no time: {receipt.received_at!r}") from error
    if is_early:
        raise EvidenceError(f"the receipt is of {receipt.received_at}, before the recording ended")


def _sign(data: bytes, key: PrivateKey) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    return sign_deterministically(data, key)


def _is_signed(data: bytes, signature: bytes, key: PublicKey) -> bool:
    if not isinstance(key, ed25519.Ed25519PublicKey):
        return is_signed(data, signature, key)
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
