"""An evidence identity for tests, made once per test process."""

from pathlib import Path
from tempfile import TemporaryDirectory

from lapel.evidence.identity import EvidenceIdentity, load_or_make


def _made() -> tuple[EvidenceIdentity, bytes]:
    with TemporaryDirectory() as folder:
        identity = load_or_make(Path(folder), "demo/baltimore/cam-0001")
        return identity, (Path(folder) / "certificate.pem").read_bytes()


IDENTITY, CERTIFICATES_PEM = _made()
"""`CERTIFICATES_PEM` holds the camera's certificate and its root: what `--trust` takes."""
SIGNER = IDENTITY.signer
