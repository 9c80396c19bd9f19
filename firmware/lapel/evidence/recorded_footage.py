"""Which stretches of time the clips in an evidence folder have, or had, frames of: by their manifests."""

import contextlib
from collections.abc import Iterator
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
    """The stretches of all clips, also of those that were deleted after their import. One whose manifest cannot be read
    has none. Raises EvidenceError for the folder.
    """
    try:
        paths = sorted([*evidence.glob(f"*/{MANIFEST}"), *evidence.glob(f"{DELETED}/*/{MANIFEST}")])
    except OSError as error:
        raise EvidenceError(f"{evidence}: cannot be read: {error.strerror}") from error
    for path in paths:
        with contextlib.suppress(EvidenceError, OSError):
            manifest = read_manifest(path)
            account = manifest.opened.account
            yield from stretches(account.recording, account.session, manifest.fragments)


def stretches(recording: str, session: str, fragments: list[FragmentStored]) -> Iterator[Footage]:
    """Fragments that follow each other as one stretch."""
    part: list[FragmentStored] = []
    for fragment in fragments:
        if part and fragment.start_ticks - _end_ticks(part[-1]) > _TOLERANCE_TICKS:
            yield _stretch(recording, session, part)
            part = []
        part.append(fragment)
    if part:
        yield _stretch(recording, session, part)


def _stretch(recording: str, session: str, part: list[FragmentStored]) -> Footage:
    length_s = (_end_ticks(part[-1]) - part[0].start_ticks) / TICKS_PER_S
    return Footage(recording, session, part[0].mono_s, part[0].mono_s + length_s)


def _end_ticks(fragment: FragmentStored) -> int:
    return fragment.start_ticks + fragment.duration_ticks
