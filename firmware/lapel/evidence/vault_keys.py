"""Reads the recipients' public keys and a reader's private key from PEM files.

openssl genpkey -algorithm X25519 -aes-256-cbc -out agency.key
openssl pkey -in agency.key -pubout -out agency.pub
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from lapel.errors import EvidenceError
from lapel.evidence.pem_keys import read_private, read_public
from lapel.evidence.vault import Cipher, preferred_cipher

_CPUINFO = Path("/proc/cpuinfo")


def read_recipients(paths: Sequence[Path]) -> list[X25519PublicKey]:
    """The public keys in `paths`, one in each. Raises EvidenceError for a file that holds another kind of key."""
    return [_x25519(path) for path in paths]


def read_private_key(path: Path, password: Callable[[], bytes]) -> X25519PrivateKey:
    """A recipient's private key. `password` is called when the file is encrypted. Raises EvidenceError."""
    key = read_private(path, password)
    if not isinstance(key, X25519PrivateKey):
        raise EvidenceError(f"{path}: is no X25519 key, the kind that recordings are encrypted for")
    return key


def cipher_of_processor(cpuinfo: Path = _CPUINFO) -> Cipher:
    """The cipher that this machine's processor is fast at."""
    try:
        return preferred_cipher(cpuinfo.read_text())
    except OSError:
        return preferred_cipher("")


def _x25519(path: Path) -> X25519PublicKey:
    key = read_public(path)
    if not isinstance(key, X25519PublicKey):
        raise EvidenceError(f"{path}: is no X25519 key, the kind that recordings are encrypted for")
    return key
