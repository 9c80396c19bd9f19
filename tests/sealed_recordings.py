"""Recordings of real video, in the clear and encrypted, and the keys to them."""

import dataclasses
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from evidence.recordings import SEALING, write_recording
from lapel.evidence.vault import Vault
from real_clips import video_fragments

AGENCY, STRANGER = (X25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
"""A recipient of the recordings, and a stranger."""


def plain_recording(folder: Path, **options: Any) -> Path:
    """A recording of three seconds of real video, in the clear."""
    return write_recording(folder, fragments=list(video_fragments()), **options)


def sealed_recording(folder: Path) -> Path:
    """The same, encrypted for the agency, with the same data key each time."""
    vault = Vault([AGENCY.public_key()], "aes-256-gcm", lambda count: bytes(range(count)))
    return plain_recording(folder, sealing=dataclasses.replace(SEALING, sealer=vault.clip_key))


def key_file(folder: Path, key: X25519PrivateKey) -> Path:
    """A private key as a file."""
    path = folder / "agency.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path
