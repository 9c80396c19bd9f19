"""Reads and writes the files of an identity folder: keys, certificates, configuration. Errors name the file."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lapel.errors import ConfigError, StorageError
from lapel.files import replace


def make_folder(folder: Path) -> None:
    """Create a folder that only its owner can enter; harmless when it exists. Raises StorageError."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from error


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Replace a file atomically. Raises StorageError."""
    try:
        replace(path, data, mode)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def read_file(path: Path) -> bytes:
    """The content of a file. Raises StorageError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error


def read_certificate(path: Path) -> x509.Certificate:
    """The certificate in a PEM file. Raises StorageError, and ValueError when there is none in it."""
    return x509.load_pem_x509_certificate(read_file(path))


def existing_or_new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in the file, or a new one when there is no file. Raises ConfigError for another file."""
    if not path.exists():
        return ec.generate_private_key(ec.SECP256R1())
    try:
        key = serialization.load_pem_private_key(read_file(path), None)
    except ValueError as error:
        raise ConfigError(f"{path}: is not a private key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path}: is not a key made by lapel-fleet provision; move it away")
    return key


def write_identity(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a certificate to `path` and its key beside it; the key first, so that no certificate lacks one."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    replace_file(path.with_suffix(".key"), private, 0o600)
    replace_file(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
