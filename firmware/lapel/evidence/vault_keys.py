"""Reads the recipients' public keys and a reader's private key from PEM files.

openssl genpkey -algorithm X25519 -aes-256-cbc -out agency.key
openssl pkey -in agency.key -pubout -out agency.pub
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from lapel import files
from lapel.errors import EvidenceError
from lapel.evidence.vault import Cipher, preferred_cipher

_LIMIT_BYTES = 64 * 1024
_CPUINFO = Path("/proc/cpuinfo")


def read_recipients(paths: Sequence[Path]) -> list[X25519PublicKey]:
    """The public keys in `paths`, one in each. Raises EvidenceError for a file that holds another kind of key."""
    return [_read_public(path) for path in paths]


def read_private_key(path: Path, password: Callable[[], bytes]) -> X25519PrivateKey:
    """A recipient's private key. `password` is called when the file is encrypted. Raises EvidenceError."""
    data = read_key_file(path)
    try:
        key = _load(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wanted = "the password does not fit" if b"ENCRYPTED" in data else "is no private key in PEM"
        raise EvidenceError(f"{path}: {wanted}") from error
    if not isinstance(key, X25519PrivateKey):
        raise EvidenceError(f"{path}: is no X25519 key, the kind that recordings are encrypted for")
    return key


def read_key_file(path: Path) -> bytes:
    """The content of a key file. Raises EvidenceError."""
    try:
        return files.read_regular_file(path, _LIMIT_BYTES)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from error


def cipher_of_processor(cpuinfo: Path = _CPUINFO) -> Cipher:
    """The cipher that this machine's processor is fast at."""
    try:
        return preferred_cipher(cpuinfo.read_text())
    except OSError:
        return preferred_cipher("")


def _load(data: bytes, password: Callable[[], bytes]) -> object:
    try:
        return serialization.load_pem_private_key(data, password=None)
    except TypeError:  # it is encrypted
        return serialization.load_pem_private_key(data, password=password())


def _read_public(path: Path) -> X25519PublicKey:
    data = read_key_file(path)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EvidenceError(f"{path}: is no public key in PEM (`openssl pkey -in KEY -pubout` writes one)") from error
    if not isinstance(key, X25519PublicKey):
        raise EvidenceError(f"{path}: is no X25519 key, the kind that recordings are encrypted for")
    return key
