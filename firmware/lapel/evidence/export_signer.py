"""The key that signs an export: the exporter's own, or a camera's identity folder."""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from lapel.errors import EvidenceError
from lapel.evidence import identity
from lapel.evidence.pem_keys import read_private
from lapel.evidence.signing import Signer, SoftwareSigner, is_p256


def read_signer(key: Path, certificate: Path, password: Callable[[], bytes]) -> Signer:
    """A signer from PEM files; `certificate` holds its own, then those above it. Raises EvidenceError."""
    private = read_private(key, password)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not is_p256(private):
        raise EvidenceError(f"{key}: is no key on P-256, the curve that exports are signed with")
    try:
        return SoftwareSigner(private, tuple(identity.read_certificates(certificate)))
    except EvidenceError as error:
        raise EvidenceError(f"{certificate}: {error}") from error


def identity_signer(folder: Path) -> Signer:
    """The signer of a camera's identity folder. Raises EvidenceError."""
    return identity.load(folder).signer
