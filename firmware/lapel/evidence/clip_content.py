"""The video of a clip as it was recorded: read fragment by fragment, checked, and decrypted."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from lapel.errors import EvidenceError
from lapel.evidence.disk import video_of
from lapel.evidence.manifest_reader import ReadManifest
from lapel.evidence.vault import ReaderKey, open_key
from lapel.files import reading


class ChangedContent(EvidenceError):
    """A fragment is not as its camera wrote it."""


def reader_key(manifest: ReadManifest, private_key: X25519PrivateKey | None) -> ReaderKey:
    """The data key of an encrypted clip. Raises EvidenceError without the right private key."""
    encryption, recording = manifest.opened.encryption, manifest.opened.account.recording
    if encryption is None:
        raise EvidenceError(f"{recording}: is not encrypted, so it has no key")
    if private_key is None:
        keys = ", ".join(one.key_id for one in encryption.recipients)
        raise EvidenceError(f"{recording}: is encrypted; give --key with the private key of {keys}")
    return open_key(encryption, recording, private_key)


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
