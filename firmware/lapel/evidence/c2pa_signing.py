"""Signs an MP4 with Content Credentials (C2PA), so that tools which know nothing of Lapel verify it.

The only module that imports `c2pa`.
"""

from dataclasses import dataclass
from typing import Any, BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from lapel import __version__
from lapel.errors import EvidenceError
from lapel.evidence.extras import extra
from lapel.evidence.signing import Signer

ASSERTION = "org.lapel.manifest"
"""Label of the assertion that holds the camera's own records."""
_MEDIA_TYPE = "video/mp4"
_CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
_COORDINATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the credentials say."""

    title: str
    captured_at: str
    """When the first frame was captured, in ISO 8601."""
    records: dict[str, Any]
    """The camera's own records, for the assertion `org.lapel.manifest`."""


def sign_mp4(source: BinaryIO, target: BinaryIO, provenance: Provenance, signer: Signer) -> None:
    """Write `source` to `target` with credentials. Raises EvidenceError."""
    with extra("export"):
        import c2pa
    algorithm, chain = c2pa.C2paSigningAlg.ES256, _pem_chain(signer)
    try:
        with (
            c2pa.Signer.from_callback(lambda data: _raw(signer.sign(data)), algorithm, chain, None) as signing,
            c2pa.Builder(_definition(provenance)) as builder,
        ):
            builder.sign(signing, _MEDIA_TYPE, source, target)
    except c2pa.C2paError as error:
        raise EvidenceError(f"the export cannot be signed with this certificate: {error}") from error


def _definition(provenance: Provenance) -> dict[str, Any]:
    created = {"action": "c2pa.created", "when": provenance.captured_at, "digitalSourceType": _CAPTURED}
    return {
        "claim_generator_info": [{"name": "Lapel", "version": __version__}],
        "title": provenance.title,
        "format": _MEDIA_TYPE,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": ASSERTION, "data": provenance.records, "kind": "Json"},
        ],
    }


def _pem_chain(signer: Signer) -> str:
    certificates = (x509.load_der_x509_certificate(one) for one in signer.certificates)
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def _raw(signature: bytes) -> bytes:
    """A DER-encoded signature as COSE wants it (RFC 9053): r and s, one behind the other."""
    return b"".join(part.to_bytes(_COORDINATE_BYTES, "big") for part in decode_dss_signature(signature))
