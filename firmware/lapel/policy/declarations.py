"""What is declared at a camera: protected contexts and activities, by whom and until when. Survives a restart.

A camera that forgot a declaration with a restart would start remotely in a courtroom, or miss a duty unreported.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from lapel.errors import StorageError
from lapel.own_files import DamageReports, read_or_set_aside, write
from lapel.policy.profile import ACTIVITIES, CONTEXTS, Activity, Context, Declarable


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is declared."""

    what: Declarable
    by: str
    """Who declared it, in words."""
    at: datetime
    until: datetime | None = None
    """When it ends by itself; None: only when it is withdrawn."""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    declared: list[Declaration] = []


class Declarations:
    """The declarations of one camera. `load` and `save` block."""

    __slots__ = ("_damage", "_declared", "_path")

    def __init__(self, path: Path | None = None, damage: DamageReports | None = None) -> None:
        """Without a `path` they are kept in this object: for the simulator, where it survives power cuts."""
        self._path, self._damage = path, damage or DamageReports()
        self._declared: dict[Declarable, Declaration] = {}

    def load(self) -> None:
        """Read the file, at power-on; an unusable one is set aside. Raises StorageError."""
        if self._path is not None:
            file = read_or_set_aside(self._path, _File, self._damage) or _File()
            self._declared = {one.what: one for one in file.declared}

    def save(self) -> None:
        """Write the file. Raises StorageError."""
        if self._path is None:
            return
        try:
            write(self._path, _File(declared=[*self._declared.values()]), make_folder=True)
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror or error}; check the disk") from error

    def add(self, declaration: Declaration) -> None:
        """Declare it; an earlier declaration of the same is replaced."""
        self._declared[declaration.what] = declaration

    def remove(self, what: Declarable) -> Declaration | None:
        """Withdraw it. None when it was not declared."""
        return self._declared.pop(what, None)

    def get(self, what: Declarable) -> Declaration | None:
        """The declaration of it; None when it is not declared."""
        return self._declared.get(what)

    def all(self) -> Iterable[Declaration]:
        """All declarations, the oldest first."""
        return tuple(self._declared.values())

    def contexts(self) -> list[Context]:
        """The declared contexts."""
        return [context for context in CONTEXTS if context in self._declared]

    def activities(self) -> list[Activity]:
        """The declared activities."""
        return [activity for activity in ACTIVITIES if activity in self._declared]
