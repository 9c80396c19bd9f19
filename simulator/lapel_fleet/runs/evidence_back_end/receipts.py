"""Receipts: an evidence back end's signed word that it has imported a clip. Made only of what has arrived whole."""

from collections.abc import Callable, Mapping

from lapel.errors import EvidenceError
from lapel.evidence.chain import line_hash
from lapel.evidence.manifest import MANIFEST
from lapel.evidence.manifest_reader import ending_in, read_lines
from lapel.evidence.receipt import Closed
from lapel.evidence.receipt_files import closed_by
from lapel_fleet.runs.evidence_back_end.containers import FILE_KEY, Container

VIDEOS = ("video.mp4", "video.sealed")
KEY = "clip.key"
ReadManifest = Callable[[str, bytes], Closed]
"""What a receipt for a clip must name, by its manifest. Raises EvidenceError."""


def is_read(metadata: Mapping[str, str]) -> bool:
    """Whether the back end reads an object of that metadata itself: receipts are made from manifests."""
    return metadata.get(FILE_KEY) == MANIFEST


def verified_manifest(clip: str, manifest: bytes) -> Closed:
    """By a manifest whose every record is signed and follows the one before."""
    return closed_by(read_lines(clip, manifest.splitlines(keepends=True)), clip)


def last_line_of_manifest(clip: str, manifest: bytes) -> Closed:
    """By a manifest's last line alone: a simulated fleet of thousands keeps no more of it."""
    line = manifest[manifest.rstrip(b"\n").rfind(b"\n") + 1 :]
    ending = ending_in(line)
    if ending is None:
        raise EvidenceError(f"{clip}: the last line of its manifest does not end it")
    return Closed(
        recording=ending.account.recording,
        camera=ending.account.address,
        close=line_hash(line),
        fragments=ending.fragments,
        bytes=ending.bytes,
        ended_at=None,
    )


def imported_clips(container: Container, read_manifest: ReadManifest) -> dict[str, Closed]:
    """What the receipts of a recording must name, by clip; empty for another camera system's recording, which has no
    receipts. Raises EvidenceError for a clip that did not arrive whole.
    """
    return {clip: _imported(container, clip, read_manifest) for clip in container.clips}


def _imported(container: Container, clip: str, read_manifest: ReadManifest) -> Closed:
    manifest = container.file(clip, MANIFEST)
    video = next((one for name in VIDEOS if (one := container.file(clip, name)) is not None), None)
    if manifest is None or manifest.content.data is None:
        raise EvidenceError(f"{clip}: its {MANIFEST} is missing")
    closed = read_manifest(clip, manifest.content.data)
    length = video.content.length if video is not None else 0
    if closed.recording != clip:
        raise EvidenceError(f"{clip}: its {MANIFEST} is that of {closed.recording}")
    if length != closed.bytes:
        raise EvidenceError(f"{clip}: its video has {length} bytes, its {MANIFEST} says {closed.bytes}")
    if container.file(clip, VIDEOS[1]) is not None and container.file(clip, KEY) is None:
        raise EvidenceError(f"{clip}: is encrypted, and its key is missing")
    return closed
