"""Reads keys from PEM files: private ones with or without a password, public ones also from certificates."""

from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from lapel import files
from lapel.errors import EvidenceError

_LIMIT_BYTES = 64 * 1024


def read_private(path: Path, password: Callable[[], bytes]) -> object:
    """A private key of any kind. `password` is called when the file is encrypted. Raises EvidenceError."""
    data = read_file(path)
    try:
        return _load(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if isinstance(error, EvidenceError):
            raise
        wrong = "the password does not fit" if b"ENCRYPTED" in data else "is no private key in PEM"
        raise EvidenceError(f"{path}: {wrong}") from error


def read_public(path: Path) -> object:
    """A public key of any kind, or that of the first certificate. Raises EvidenceError."""
    data = read_file(path)
    try:
        if b"BEGIN CERTIFICATE" in data:
            return x509.load_pem_x509_certificate(data).public_key()
        return serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EvidenceError(f"{path}: is no public key in PEM (`openssl pkey -in KEY -pubout` writes one)") from error


def read_file(path: Path, limit_bytes: int = _LIMIT_BYTES) -> bytes:
    """The content of a small file. Raises EvidenceError."""
    try:
        return files.read_regular_file(path, limit_bytes)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from error


def _load(data: bytes, password: Callable[[], bytes]) -> object:
    try:
        return serialization.load_pem_private_key(data, password=None)
    except TypeError:  # it is encrypted
        return serialization.load_pem_private_key(data, password=password())
