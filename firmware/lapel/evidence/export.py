"""Exports a recording as one MP4 that any player opens and any Content Credentials tool verifies."""

import contextlib
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from lapel.errors import EvidenceError
from lapel.evidence.c2pa_signing import Provenance, sign_mp4
from lapel.evidence.clip_content import ChangedContent, content, reader_key
from lapel.evidence.manifest import MANIFEST
from lapel.evidence.manifest_reader import ReadManifest, read_manifest
from lapel.evidence.signing import Signer
from lapel.evidence.trust import Trust
from lapel.evidence.verify import Report, Verdict, verify_recording
from lapel.files import reading, sync_folder

_LINE_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported, and what was found while doing so."""

    path: Path
    manifest: ReadManifest
    report: Report


def export(
    folder: Path, path: Path, signer: Signer, trust: Trust, private_key: X25519PrivateKey | None = None
) -> Exported:
    """Write the recording in `folder` to `path`, signed by the exporter's `signer`.

    Every fragment is checked while it is copied. Raises ChangedContent for a recording that is not intact, and
    EvidenceError for other reasons; then `path` does not exist.
    """
    _require_new(path)
    if not folder.is_dir():
        raise EvidenceError(f"{folder}: is no folder of a recording")
    report = verify_recording(folder, trust)
    _require_intact(report)
    manifest = read_manifest(folder / MANIFEST)
    if not manifest.fragments:
        raise EvidenceError(f"{folder}: the recording has no video")
    key = None if manifest.opened.encryption is None else reader_key(manifest, private_key)
    with tempfile.TemporaryFile(dir=path.parent) as plain, _new_file(path) as target:
        for piece in content(folder, manifest, key):
            plain.write(piece)
        plain.seek(0)
        sign_mp4(cast(BinaryIO, plain), cast(BinaryIO, target), _provenance(folder, manifest, report), signer)
    return Exported(path, manifest, report)


def _require_new(path: Path) -> None:
    if path.exists():
        raise EvidenceError(f"{path}: exists already; give another name")
    if not path.parent.is_dir():
        raise EvidenceError(f"{path.parent}: is no folder to export to")


def _require_intact(report: Report) -> None:
    if report.verdict is Verdict.NOT_INTACT:
        proof = next(finding for finding in report.findings if finding.proves)
        raise ChangedContent(f"{report.folder}: {proof.message}")


def _provenance(folder: Path, manifest: ReadManifest, report: Report) -> Provenance:
    first, last = _outer_lines(folder / MANIFEST)
    records = {
        "verdict": str(report.verdict),
        "open": first.decode(),
        "close": last.decode() if manifest.ending is not None else None,
    }
    return Provenance(f"{report.recording}.mp4", manifest.fragments[0].utc, records)


def _outer_lines(path: Path) -> tuple[bytes, bytes]:
    """The first and the last line of a manifest, exactly: their signatures hold inside the export, too."""
    with reading(path) as file:
        lines = iter(lambda: file.readline(_LINE_MAX_BYTES), b"")
        first = next(lines)
        last = deque(lines, maxlen=1)
    return first, last[0] if last else first


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when the block has succeeded, and is gone otherwise. Only its owner may read it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
        part = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
    sync_folder(path.parent)
