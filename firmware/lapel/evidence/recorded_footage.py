"""Which stretches of time the clips in an evidence folder have, or had, frames of: by their manifests."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from lapel.errors import EvidenceError
from lapel.evidence.disk import DELETED
from lapel.evidence.ledger import Footage
from lapel.evidence.manifest import MANIFEST
from lapel.evidence.manifest_reader import read_manifest
from lapel.evidence.records import FragmentStored
from lapel.fragment import TICKS_PER_S

_TOLERANCE_TICKS = TICKS_PER_S // 10
"""Two fragments that are less than a tenth of a second apart follow each other."""


def footage_in(evidence: Path) -> Iterator[Footage]:
    """The stretches of all clips, of deleted ones too. Raises EvidenceError when the folder cannot be read."""
    try:
        paths = [*evidence.glob(f"*/{MANIFEST}"), *evidence.glob(f"{DELETED}/*/{MANIFEST}")]
        folders = sorted(path.parent for path in paths)
    except OSError as error:
        raise EvidenceError(f"{evidence}: cannot be read: {error.strerror}") from error
    yield from footage_of(folders)


def footage_of(clips: Iterable[Path]) -> Iterator[Footage]:
    """The stretches of the clips in these folders. One whose manifest cannot be read has none."""
    for folder in clips:
        with contextlib.suppress(EvidenceError, OSError):
            manifest = read_manifest(folder / MANIFEST)
            account = manifest.opened.account
            yield from stretches(account.recording, account.session, manifest.fragments)


def stretches(recording: str, session: str, fragments: list[FragmentStored]) -> Iterator[Footage]:
    """Fragments that follow each other as one stretch."""
    part: list[FragmentStored] = []
    for fragment in fragments:
        if part and fragment.start_ticks - part[-1].end_ticks > _TOLERANCE_TICKS:
            yield _stretch(recording, session, part)
            part = []
        part.append(fragment)
    if part:
        yield _stretch(recording, session, part)


def _stretch(recording: str, session: str, part: list[FragmentStored]) -> Footage:
    length_s = (part[-1].end_ticks - part[0].start_ticks) / TICKS_PER_S
    return Footage(recording, session, part[0].mono_s, part[0].mono_s + length_s)
