"""The configuration in force: the one the camera was started with, and the changes since, by version.

A change is on trial first: it is written to disk, the camera restarts with it, and only a camera that then works
confirms it. If it does not work, or ends before it is confirmed, the previous version is in force again.

    base (file, variables, flags)  +  confirmed changes  (+  the trial's changes)  =  the configuration in force
"""

import os
from pathlib import Path

import msgspec

from lapel.config import Changes, Config, LiveSection, Scalar, changed
from lapel.errors import ConfigError, StorageError
from lapel.own_files import DamageReports, read_or_set_aside, write

_FIXED = {("camera", "state"), *(("live", key) for key in LiveSection.__struct_fields__)}
"""The path of the file that this module writes cannot be changed by its content. Who may watch is decided at the
machine, and the server of live view lives longer than a camera.
"""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The differences from the base that are in force with that version."""

    number: int = 0
    changes: dict[str, dict[str, Scalar]] = {}
    by: str = ""
    """Id of the command that made it."""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    confirmed: Version = Version()
    trial: Version | None = None
    started: bool = False
    """Whether a camera was started with the trial. If so at the next start, the trial ended before it was confirmed."""
    newest: int = 0
    """The highest version number ever used, so that the number of a rolled-back version is not used again."""


class Settings:
    """The settings of one camera. Methods that write block; while a camera runs they are called through a Worker.

    They raise StorageError when the file cannot be written, and then change nothing.
    """

    def __init__(self, base: Config, path: Path | None = None, damage: DamageReports | None = None) -> None:
        """Without a `path` the changes are kept in this object: for the simulator, where it survives power cuts."""
        self._base, self._path = base, path
        self.damage = damage or DamageReports()
        """Where a damaged file is reported; the camera takes it from here."""
        self._file = _File()
        self._rolled_back = ""

    @property
    def current(self) -> Config:
        """The configuration in force, with the trial's changes while there is one."""
        return changed(self._base, self._in_force.changes, "configuration change")

    @property
    def version(self) -> int:
        """Version number of the configuration in force; 0 is the base."""
        return self._in_force.number

    @property
    def on_trial(self) -> bool:
        """Whether the version in force is a trial."""
        return self._file.trial is not None

    @property
    def trial_by(self) -> str:
        """Id of the command that requested the trial; empty without a trial."""
        return self._file.trial.by if self._file.trial else ""

    def load(self) -> None:
        """Read the file, at power-on. A trial that an earlier session started and did not confirm is rolled back; an
        unusable file is set aside, and the base is in force. Raises StorageError when the disk does not give it.
        """
        if self._path is None:
            return
        existed = os.path.lexists(self._path)
        file = read_or_set_aside(self._path, _File, self.damage, self._check)
        if existed and file is None:
            self._rolled_back = f"{self._path} was unusable and was set aside"
        self._file = file or _File()
        if self._file.trial is not None and self._file.started:
            self.roll_back("the camera ended before it was confirmed")

    def _check(self, file: _File) -> None:
        """A newer firmware may have had keys that this one does not know. Raises ConfigError."""
        changed(self._base, (file.trial or file.confirmed).changes, "configuration change")

    def validate(self, changes: Changes, base_version: int | None = None) -> Version:
        """The version that `changes` would make. Raises ConfigError when it would be invalid. Does not block."""
        if base_version is not None and base_version != self.version:
            raise ConfigError(
                f"the change was made for version {base_version}, but version {self.version} is in force; read it first"
            )
        if not changes:
            raise ConfigError("configuration: no change is given; give sections, keys and values")
        for section, keys in changes.items():
            for key in keys:
                if (section, key) in _FIXED:
                    raise ConfigError(f"[{section}] {key}: cannot be changed while the camera runs")
        merged = {name: dict(keys) for name, keys in self._file.confirmed.changes.items()}
        for section, keys in changes.items():
            merged.setdefault(section, {}).update(keys)
        changed(self._base, merged, "configuration change")
        return Version(number=self._file.newest + 1, changes=merged)

    def start_trial(self, version: Version, by: str) -> None:
        """Write `version` as the trial; it is in force from now on, and the next start runs with it."""
        trial = msgspec.structs.replace(version, by=by)
        self._write(msgspec.structs.replace(self._file, trial=trial, started=False, newest=trial.number))
        self._rolled_back = ""

    def mark_started(self) -> None:
        """Record that a camera is about to start with the version in force."""
        if self._file.trial is not None and not self._file.started:
            self._write(msgspec.structs.replace(self._file, started=True))

    def take_rollback_reason(self) -> str:
        """Why the newest version was rolled back since the last call; empty when it was not."""
        reason, self._rolled_back = self._rolled_back, ""
        return reason

    def confirm(self) -> None:
        """Make the trial permanent."""
        if self._file.trial is not None:
            self._write(msgspec.structs.replace(self._file, confirmed=self._file.trial, trial=None, started=False))

    def roll_back(self, reason: str) -> None:
        """End the trial: the previous version is in force again."""
        self._rolled_back = reason
        self._write(msgspec.structs.replace(self._file, trial=None, started=False))

    def changed_keys(self) -> dict[str, dict[str, Scalar]]:
        """The differences from the base that are in force."""
        return {name: dict(keys) for name, keys in self._in_force.changes.items()}

    @property
    def _in_force(self) -> Version:
        return self._file.trial or self._file.confirmed

    def _write(self, file: _File) -> None:
        if self._path is not None:
            try:
                write(self._path, file, make_folder=True)
            except OSError as error:
                raise StorageError(f"{self._path}: the configuration cannot be written: {error.strerror}") from error
        self._file = file
