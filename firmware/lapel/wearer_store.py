"""What a camera remembers about its wearer across restarts: who it is, and whether lights and tones are off."""

import os
from pathlib import Path
from typing import Any

import msgspec

from lapel.errors import StorageError
from lapel.own_files import DamageReports, read_or_set_aside, write


class WearerNotes(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `wearer.json`."""

    stealth: bool = False
    """Whether lights, tones and vibrations are off."""
    assigned: str = ""
    """Badge id of the wearer to whom the camera is assigned; empty without one."""
    present: str = ""
    """Badge id of the wearer who uses it, where that is another one; empty otherwise."""


class WearerStore:
    """The notes of one camera. `save` blocks: while a camera runs it is called through a Worker."""

    def __init__(self, path: Path | None = None, damage: DamageReports | None = None) -> None:
        """Without a `path` the notes are kept in this object: for the simulator, where it survives power cuts."""
        self._path, self._damage = path, damage or DamageReports()
        self.notes = WearerNotes()

    def load(self) -> None:
        """Read the file, at power-on; an unusable one is set aside. Raises StorageError when the disk does not give
        it.
        """
        if self._path is not None and os.path.lexists(self._path):
            self.notes = read_or_set_aside(self._path, WearerNotes, self._damage) or WearerNotes()

    def change(self, **changes: Any) -> WearerNotes:
        """Change the notes in memory, and return them for `save`."""
        self.notes = msgspec.structs.replace(self.notes, **changes)
        return self.notes

    def save(self, notes: WearerNotes) -> None:
        """Write the notes. Raises StorageError."""
        if self._path is not None:
            try:
                write(self._path, notes, make_folder=True)
            except OSError as error:
                raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from error
