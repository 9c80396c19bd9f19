"""Encrypts clips on the camera for its agency, whose private key alone can decrypt them: the camera cannot.

Each clip has a data key of its own, which exists only while the clip is written, and is wrapped for each recipient by
HPKE (RFC 9180). Each fragment is encrypted with it, by AEAD:

    nonce             the fragment's number, 12 bytes, big-endian
    associated data   `lapel-fragment-1`, the clip's id, the fragment's number and the hash of the manifest's line
                      before the fragment's, each followed by a line feed
    stored            ciphertext, then the 16 bytes of the authentication tag

so that a fragment decrypts only at its own place in its own clip. Knows no files: see `vault_keys.py`.
"""

import base64
import binascii
import secrets
from collections.abc import Callable, Sequence
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from lapel.errors import EvidenceError
from lapel.evidence.records import Encryption, Recipient
from lapel.evidence.signing import key_id

Cipher = Literal["aes-256-gcm", "chacha20-poly1305"]
TAG_BYTES: Final = 16
"""How much longer a stored fragment is than what it holds."""

KEY_WRAPPING: Final = "DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM"
_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_KEY_BYTES = 32
_NONCE_BYTES = 12
_AEAD: dict[str, type[AESGCM] | type[ChaCha20Poly1305]] = {
    "aes-256-gcm": AESGCM,
    "chacha20-poly1305": ChaCha20Poly1305,
}


def preferred_cipher(cpuinfo: str) -> Cipher:
    """AES-256-GCM where `/proc/cpuinfo` lists AES instructions, else ChaCha20-Poly1305: a Pi 4 has none."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    has_aes = any("aes" in values.split() for name, _, values in lines if name.strip() in ("flags", "Features"))
    return "aes-256-gcm" if has_aes else "chacha20-poly1305"


class Vault:
    """Makes the keys of a camera's clips."""

    def __init__(
        self,
        recipients: Sequence[X25519PublicKey],
        cipher: Cipher,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Raises EvidenceError without a recipient: the clips could never be read."""
        if not recipients:
            raise EvidenceError("encryption needs at least one recipient: the agency's public key")
        self._recipients, self._cipher, self._random_bytes = tuple(recipients), cipher, random_bytes

    def clip_key(self, recording: str) -> "ClipKey":
        """A new data key for the clip of this id."""
        key = self._random_bytes(_KEY_BYTES)
        wrapped = [Recipient(key_id(public), _wrapped(key, public, recording)) for public in self._recipients]
        return ClipKey(key, recording, Encryption(self._cipher, KEY_WRAPPING, wrapped))


class ClipKey:
    """Encrypts the fragments of one clip while it is written. Drop it when the clip ends."""

    def __init__(self, key: bytes, recording: str, encryption: Encryption) -> None:
        self._aead, self._recording, self._last = _AEAD[encryption.cipher](key), recording, 0
        self.encryption = encryption
        """For the clip's *open* record."""

    def seal(self, fragment: bytes | bytearray, number: int, previous: str) -> bytes:
        """Ciphertext and tag of fragment `number`; `previous` is the hash in the `previous` of its record.

        Raises ValueError for a number that is not above the last: two fragments under one nonce give the key away.
        """
        if number <= self._last:
            raise ValueError(f"fragment {number} comes after {self._last}; no number may be sealed twice")
        self._last = number
        return self._aead.encrypt(_nonce(number), fragment, _associated(self._recording, number, previous))


class ReaderKey:
    """Decrypts the fragments of one clip."""

    def __init__(self, key: bytes, recording: str, cipher: Cipher) -> None:
        self._aead = _AEAD[cipher](key)
        self.data_key, self.recording, self.cipher = key, recording, cipher

    def unseal(self, stored: bytes, number: int, previous: str) -> bytes:
        """What was sealed as fragment `number` behind the manifest's line of this hash. Raises EvidenceError."""
        try:
            return self._aead.decrypt(_nonce(number), stored, _associated(self.recording, number, previous))
        except (InvalidTag, ValueError) as error:
            raise EvidenceError(
                f"fragment {number} of {self.recording} does not decrypt: it was changed, or stands at another place"
            ) from error


def open_key(encryption: Encryption, recording: str, private_key: X25519PrivateKey) -> ReaderKey:
    """The data key of a clip, unwrapped. Raises EvidenceError when it is not wrapped for this key, or was changed."""
    ours = key_id(private_key.public_key())
    wrapped = next((one.wrapped_key for one in encryption.recipients if one.key_id == ours), None)
    if wrapped is None:
        theirs = ", ".join(one.key_id[:16] for one in encryption.recipients)
        raise EvidenceError(f"{recording}: encrypted for the key {theirs}…, not for this one, {ours[:16]}…")
    try:
        key = _SUITE.decrypt(base64.b64decode(wrapped, validate=True), private_key, info=_info(recording))
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise EvidenceError(f"{recording}: its wrapped key was changed, or belongs to another recording") from error
    if len(key) != _KEY_BYTES:
        raise EvidenceError(f"{recording}: its wrapped key has {len(key)} bytes instead of {_KEY_BYTES}")
    return ReaderKey(key, recording, encryption.cipher)


def _wrapped(key: bytes, public: X25519PublicKey, recording: str) -> str:
    return base64.b64encode(_SUITE.encrypt(key, public, info=_info(recording))).decode()


def _info(recording: str) -> bytes:
    """Binds a wrapped key to its clip."""
    return f"lapel-clip-key-1\n{recording}\n".encode()


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")


def _associated(recording: str, number: int, previous: str) -> bytes:
    return f"lapel-fragment-1\n{recording}\n{number}\n{previous}\n".encode()
