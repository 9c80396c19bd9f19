"""A clip's data key, wrapped once more for an RSA key: for back ends that decrypt recordings by themselves.

    {"format": "lapel-key-1", "recording": "…", "cipher": "aes-256-gcm", "key_wrapping": "RSAES-OAEP, SHA-256",
     "key_id": "…", "wrapped_key": "…"}

`openssl pkeyutl -decrypt` with `rsa_padding_mode:oaep` and `rsa_oaep_md:sha256` unwraps it.
"""

import base64
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lapel.errors import EvidenceError
from lapel.evidence.pem_keys import read_public
from lapel.evidence.signing import key_id
from lapel.evidence.vault import Cipher, ReaderKey

FORMAT: Final = "lapel-key-1"
KEY_WRAPPING: Final = "RSAES-OAEP, SHA-256"
MIN_BITS: Final = 2048
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class RsaWrappedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a key file."""

    format: str = FORMAT
    recording: str
    cipher: Cipher
    key_wrapping: str = KEY_WRAPPING
    key_id: str
    """SHA-256 of the RSA public key (DER SubjectPublicKeyInfo), in hex."""
    wrapped_key: str
    """In base64."""


def wrap(key: ReaderKey, recipient: rsa.RSAPublicKey) -> RsaWrappedKey:
    """The data key of a clip, for `recipient` alone."""
    return RsaWrappedKey(
        recording=key.recording,
        cipher=key.cipher,
        key_id=key_id(recipient),
        wrapped_key=base64.b64encode(recipient.encrypt(key.data_key, _OAEP)).decode(),
    )


def read_rsa_recipient(path: Path) -> rsa.RSAPublicKey:
    """An RSA public key, or that of a certificate. Raises EvidenceError."""
    key = read_public(path)
    if not isinstance(key, rsa.RSAPublicKey):
        raise EvidenceError(f"{path}: is no RSA key; `export --key` needs none of these key files")
    if key.key_size < MIN_BITS:
        raise EvidenceError(f"{path}: is an RSA key of {key.key_size} bits; at least {MIN_BITS} are needed")
    return key
