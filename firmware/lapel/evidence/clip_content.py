"""The video of a clip as it was recorded: read fragment by fragment, checked, and decrypted."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from lapel.errors import EvidenceError
from lapel.evidence.disk import video_of
from lapel.evidence.manifest_reader import ReadManifest
from lapel.evidence.vault import ReaderKey
from lapel.files import reading


class ChangedContent(EvidenceError):
    """A fragment is not as its camera wrote it."""


def content(folder: Path, manifest: ReadManifest, key: ReaderKey | None) -> Iterator[bytes]:
    """Each fragment as it was before it was encrypted; the first one contains the file's header.

    `key`: None for a clip that is stored in the clear. Raises ChangedContent, and OSError when the disk does not give
    the file.
    """
    path = video_of(folder)
    if path is None:
        raise ChangedContent(f"{folder}: its video is missing")
    with reading(path) as file:
        for fragment in manifest.fragments:
            file.seek(fragment.offset)
            stored = file.read(fragment.length)
            if hashlib.sha256(stored).hexdigest() != fragment.sha256:
                raise ChangedContent(f"{path}: fragment {fragment.fragment} differs from what its camera wrote")
            yield stored if key is None else key.unseal(stored, fragment.fragment, fragment.previous or "")
