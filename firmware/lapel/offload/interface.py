"""The interface between the offload engine and a kind of back end: one small Protocol, and what passes through it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from lapel.outgoing import OutgoingClip

Kind = Literal["video", "key", "manifest", "account", "tail", "bookmark", "trail"]
"""What an item of a recording is."""


Standing = Literal["new", "begun", "complete"]
"""What a back end has of a recording: nothing; something; everything, and it was declared complete."""


@dataclass(frozen=True, slots=True)
class Item:
    """One object that a back end receives: a file of a clip, or something that is made for the back end."""

    clip: OutgoingClip
    kind: Kind
    name: str
    """Of the file in the clip's folder; of what is made, a name that no file has."""
    size_bytes: int
    content: bytes | None = None
    """What is made for the back end; None for a file on the card."""
    about: Mapping[str, str] = field(default_factory=dict)
    """Of a bookmark: its metadata."""

    @property
    def key(self) -> str:
        """Names the item within its recording."""
        return f"{self.clip.account.recording}/{self.name}"


@dataclass(frozen=True, slots=True)
class OutgoingRecording:
    """A recording: its linked clips, in the order of time."""

    clips: Sequence[OutgoingClip]

    @property
    def id(self) -> str:
        """That of its first clip."""
        return self.clips[0].account.recording

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(clip.size_bytes for clip in self.clips)


class Part(msgspec.Struct, frozen=True):
    """A part of an item that has arrived."""

    size_bytes: int
    etag: str
    """As the back end named it."""


class Arrived(msgspec.Struct, frozen=True):
    """How much of an item has arrived."""

    whole: bool = False
    etag: str = ""
    """Of the whole item, as the back end named it; empty where that names none."""
    upload: str = ""
    """The back end's id of an upload in parts."""
    parts: tuple[Part, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Of the parts."""
        return sum(part.size_bytes for part in self.parts)


class Upload(Protocol):
    """One item on its way: its bytes, at the permitted speed, and the durable note of what has arrived."""

    @property
    def item(self) -> Item:
        """What is sent."""

    @property
    def arrived(self) -> Arrived:
        """What has arrived, by the note."""

    def pieces(self, start: int, length: int) -> AsyncIterator[bytes]:
        """The bytes from `start`, a piece at a time. Raises StorageError when the card does not give all of them."""

    async def save(self, arrived: Arrived) -> None:
        """Note what has arrived; it is on disk when this returns. Raises StorageError."""


class Destination(Protocol):
    """A kind of back end. Every method raises OffloadError: RejectedError, BlockedError or BusyError."""

    @property
    def name(self) -> str:
        """Its address, without a secret. What has arrived at another address has to be sent again."""

    async def begin(self, recording: OutgoingRecording) -> Standing:
        """Make ready to receive a recording; harmless when that was done before. Returns what the back end has."""

    async def send(self, recording: OutgoingRecording, upload: Upload) -> None:
        """Send what has not arrived of an item, compare checksums, and save that it has arrived whole."""

    async def finish(self, recording: OutgoingRecording, arrived: Mapping[str, Arrived]) -> None:
        """Declare the recording complete: once, and last. `arrived`: every item by its key."""

    async def receipt(self, recording: OutgoingRecording, clip: OutgoingClip) -> bytes | None:
        """The receipt for a clip; None while there is none."""

    def read_back(self, recording: OutgoingRecording, item: Item) -> AsyncIterator[bytes] | None:
        """The bytes of an item as the back end has them; None where it does not give them back."""

    async def close(self) -> None:
        """Close connections."""
