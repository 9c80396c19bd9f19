"""The key with which the cameras of a simulated fleet sign. It is the same in every run, and no secret."""

import hashlib
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lapel.clock import Instant
from lapel.evidence.identity import certify
from lapel.evidence.manifest import Sealing
from lapel.evidence.signing import SoftwareSigner

_DER = serialization.Encoding.DER


def fleet_sealing(camera: str, now: Callable[[], Instant]) -> Sealing:
    """What the simulated camera `agency/site/name` signs with. All share one key: thousands would cost seconds."""
    return Sealing(_signer()[0], now, camera)


def unsigned_sealing(camera: str, now: Callable[[], Instant]) -> Sealing:
    """The same without signatures, for cameras whose records are never verified: hashes alone link them."""
    return Sealing(_NoSigner(), now, camera)


class _NoSigner:
    """Implements `lapel.evidence.signing.Signer` and signs nothing."""

    certificates: tuple[bytes, ...] = ()

    def sign(self, data: bytes) -> bytes:  # noqa: ARG002  # see Signer
        return b""


def fleet_root() -> bytes:
    """The certificate (PEM) of the root that vouches for the key."""
    return _signer()[1]


@cache
def _signer() -> tuple[SoftwareSigner, bytes]:
    leaf, root = certify(_key("camera"), "simulated fleet", _key("root"))
    signer = SoftwareSigner(_key("camera"), (leaf.public_bytes(_DER),))
    return signer, root.public_bytes(serialization.Encoding.PEM)


def _key(name: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hashlib.sha256(f"lapel simulated fleet {name}".encode()).digest())
    return ec.derive_private_key(number >> 8, ec.SECP256R1())
