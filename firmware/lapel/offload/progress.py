"""The durable note of what has arrived at the back end: one small file per recording, in the camera's own folder.

It survives a power cut at any moment. Where one is lost or damaged, nothing else is: the recording is offered again,
and what the back end already has is found there.
"""

import contextlib
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from lapel import own_files
from lapel.errors import StorageError
from lapel.files import PRIVATE_FOLDER
from lapel.offload.interface import Arrived, Item, OutgoingRecording
from lapel.own_files import DamageReports
from lapel.worker import Worker


class RecordingProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a recording has come."""

    recording: str
    clips: tuple[str, ...] = ()
    """Its clips. One may have been deleted from the card while others still wait for their receipts."""
    destination: str = ""
    """Where it goes: what has arrived at another address does not count."""
    items: dict[str, Arrived] = {}
    """What has arrived, by item."""
    complete: bool = False
    """Whether it was declared complete at the back end."""
    refused: str = ""
    """Why the back end will never take it; empty while it may."""
    requested_by: str = ""
    """Id of the command that requested it, to go before all others; empty without one."""
    refused_receipts: tuple[str, ...] = ()
    """SHA-256 of the receipts that did not hold, so that each is reported once."""

    def arrived_bytes(self, recording: OutgoingRecording) -> int:
        """Bytes of its files that have arrived."""
        total = 0
        for clip in recording.clips:
            for file in clip.files:
                arrived = self.items.get(f"{clip.account.recording}/{file.name}", Arrived())
                total += file.size_bytes if arrived.whole else arrived.size_bytes
        return total


class ProgressNotes(Protocol):
    """Where progress is kept. Blocking: called through a Worker. Every method raises StorageError."""

    def load(self) -> dict[str, RecordingProgress]:
        """Every note, by recording."""

    def save(self, progress: RecordingProgress) -> None:
        """Replace the note on a recording; it is on disk when this returns."""

    def forget(self, recording: str) -> None:
        """Remove the note on a recording that has left the card. Harmless where there is none."""


class ProgressBook:
    """The notes in memory, each written to disk before what depends on it happens."""

    def __init__(self, notes: ProgressNotes, worker: Worker) -> None:
        self._notes, self._worker = notes, worker
        self._by_name: dict[str, RecordingProgress] = {}
        self._by_clip: dict[str, str] = {}

    async def load(self, destination: str) -> None:
        """Read the notes of earlier sessions; what has gone to another destination does not count.

        Raises StorageError.
        """
        for name, note in (await self._worker.run(self._notes.load)).items():
            is_here = note.destination in ("", destination)
            self._keep(
                note if is_here else RecordingProgress(recording=name, clips=note.clips, requested_by=note.requested_by)
            )

    def of(self, recording: OutgoingRecording) -> RecordingProgress:
        """How far a recording has come."""
        for clip in recording.clips:
            if (name := self._by_clip.get(clip.account.recording)) is not None:
                return self._by_name[name]
        return RecordingProgress(recording=recording.id)

    def arrived(self, recording: OutgoingRecording, item: Item) -> Arrived:
        """How much of an item has arrived."""
        return self.of(recording).items.get(item.key, Arrived())

    def all(self) -> list[RecordingProgress]:
        """Every note."""
        return list(self._by_name.values())

    async def note(self, progress: RecordingProgress) -> None:
        """Keep progress; it is on disk when this returns. Raises StorageError."""
        self._keep(progress)
        await self._worker.run(lambda: self._notes.save(progress))

    async def change(self, recording: OutgoingRecording, **changes: Any) -> None:
        """Change fields of a recording's progress. Raises StorageError."""
        clips = tuple(dict.fromkeys((*self.of(recording).clips, *(one.account.recording for one in recording.clips))))
        await self.note(msgspec.structs.replace(self.of(recording), clips=clips, **changes))

    async def forget_gone(self, on_card: set[str]) -> None:
        """Remove the notes on recordings of which no clip is on the card any more."""
        for name, note in list(self._by_name.items()):
            if not on_card.intersection((name, *note.clips)):
                del self._by_name[name]
                self._by_clip = {clip: of for clip, of in self._by_clip.items() if of != name}
                await self._worker.run(partial(self._notes.forget, name))

    def _keep(self, progress: RecordingProgress) -> None:
        self._by_name[progress.recording] = progress
        self._by_clip.update(dict.fromkeys((progress.recording, *progress.clips), progress.recording))


class FolderNotes:
    """Notes in a folder, a file each."""

    def __init__(self, folder: Path, damage: DamageReports) -> None:
        """`damage`: where damaged notes are reported."""
        self._folder, self._damage = folder, damage

    def load(self) -> dict[str, RecordingProgress]:
        """See `ProgressNotes.load`. Damaged ones are set aside."""
        found = {}
        for path in sorted(self._folder.glob("*.json")):
            note = own_files.read_or_set_aside(path, RecordingProgress, self._damage)
            if note is not None:
                found[note.recording] = note
        return found

    def save(self, progress: RecordingProgress) -> None:
        """See `ProgressNotes.save`."""
        path = self._path(progress.recording)
        try:
            self._folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            own_files.write(path, progress)
        except OSError as error:
            raise StorageError(
                f"{path}: cannot be written: {error.strerror}; nothing is offloaded meanwhile"
            ) from error

    def forget(self, recording: str) -> None:
        """See `ProgressNotes.forget`."""
        with contextlib.suppress(OSError):
            self._path(recording).unlink()

    def _path(self, recording: str) -> Path:
        return self._folder / f"{recording}.json"


class MemoryNotes:
    """Notes in memory, which last as long as this object: for simulated cameras."""

    def __init__(self) -> None:
        self.notes: dict[str, RecordingProgress] = {}

    def load(self) -> dict[str, RecordingProgress]:
        """See `ProgressNotes.load`."""
        return dict(self.notes)

    def save(self, progress: RecordingProgress) -> None:
        """See `ProgressNotes.save`."""
        self.notes[progress.recording] = progress

    def forget(self, recording: str) -> None:
        """See `ProgressNotes.forget`."""
        self.notes.pop(recording, None)
