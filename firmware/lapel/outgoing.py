"""Clips that leave the storage card for an evidence back end: what evidence holds and offload sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lapel.recording import Account


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the folder of a clip."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class OutgoingClip:
    """A clip on the storage card, and what must leave with it."""

    account: Account
    files: Sequence[StoredFile]
    """The video first, then manifest, account and what a power cut left behind."""
    wrapped_keys: bytes | None = None
    """JSON: cipher and data key, wrapped for each who may read the clip; None for one in the clear."""
    is_confirmed: bool = False
    """Whether a receipt for it that holds is on file."""

    @property
    def size_bytes(self) -> int:
        """Of its files."""
        return sum(file.size_bytes for file in self.files)


class OutgoingRecordings(Protocol):
    """The storage card as offload uses it. Blocking: called through a Worker. Every method raises StorageError."""

    def clips(self) -> list[OutgoingClip]:
        """Every clip on the card, oldest first, those included that are still being recorded."""

    def read(self, recording: str, name: str, offset: int, length: int) -> bytes:
        """At most `length` bytes of a clip's file; fewer only at its end."""

    def confirm(self, recording: str, receipt: bytes) -> str:
        """Check a back end's receipt and put it on file. Returns which back end it is from.

        Raises EvidenceError for a receipt that does not hold.
        """

    def note_read_back(self, recording: str, where: str) -> None:
        """Put on file that the camera itself has read the whole clip back from `where`, unchanged. It is signed by the
        camera alone: see `docs/offload.md` for what that proves. Raises EvidenceError for a clip without a last record.
        """
