"""Signatures of a camera: ECDSA on P-256 with SHA-256, as secure elements and TPMs make them, too.

A signature is DER-encoded, as `openssl dgst -verify` takes it. The one made in software is deterministic (RFC 6979), so
that a simulated day is the same byte for byte each time.
"""

import hashlib
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from lapel.errors import EvidenceError

ALGORITHM = "ecdsa-p256-sha256"
UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading a certificate can raise that was changed, or made by a forger."""
_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_VERIFYING = ec.ECDSA(hashes.SHA256())


class Signer(Protocol):
    """What signs for a camera: a key in a file, or a chip that never shows its key. May be called from any thread."""

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The signer's certificate and those above it, without the root, in DER."""

    def sign(self, data: bytes) -> bytes:
        """A DER-encoded ECDSA signature of `data`, by the key of the first certificate."""


def certified_key(signer: Signer) -> ec.EllipticCurvePublicKey:
    """The public key that a signer's certificate names. Raises EvidenceError."""
    return public_key(signer.certificates[0])


class SoftwareSigner:
    """Signs with a private key in memory."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificates: tuple[bytes, ...]) -> None:
        """`certificates`: DER, that of `key` first. Raises EvidenceError unless they belong together."""
        if not certificates or key_id(key.public_key()) != key_id(public_key(certificates[0])):
            raise EvidenceError("the camera's certificate belongs to another key; make or import a matching pair")
        self._key = key
        self._certificates = certificates

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """See `Signer.certificates`."""
        return self._certificates

    def sign(self, data: bytes) -> bytes:
        """See `Signer.sign`."""
        return sign_deterministically(data, self._key)


def sign_deterministically(data: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """A DER-encoded ECDSA signature with SHA-256, the same each time (RFC 6979)."""
    return key.sign(data, _DETERMINISTIC)


def require_usable(signer: Signer) -> str:
    """Id of a signer's key, once it has made a signature that holds. Raises EvidenceError."""
    probe = b"lapel self-test"
    key = public_key(signer.certificates[0])
    if not is_signed(probe, signer.sign(probe), key):
        raise EvidenceError("the camera's key makes no signature that holds by its certificate; make or import another")
    return key_id(key)


def is_p256(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bool:
    """Whether a key is on the curve that cameras sign with."""
    return isinstance(key.curve, ec.SECP256R1)


def is_signed(data: bytes, signature: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether `signature` is one of `data` by `key`."""
    try:
        key.verify(signature, data, _VERIFYING)
    except InvalidSignature:
        return False
    return True


def public_key(certificate: bytes) -> ec.EllipticCurvePublicKey:
    """The P-256 key of a DER certificate. Raises EvidenceError when there is none."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except UNREADABLE as error:
        raise EvidenceError(f"the certificate cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not is_p256(key):
        raise EvidenceError("the certificate's key is not on P-256, the curve that cameras sign with")
    return key


def key_id(key: PublicKeyTypes) -> str:
    """SHA-256 of a public key (its DER SubjectPublicKeyInfo), in hex: the name by which it is compared."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def certificate_name(certificate: bytes) -> str:
    """Whom a certificate (DER) is for, in one line."""
    return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
