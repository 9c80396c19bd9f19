"""Which configuration is in force: the one the camera was started with, and what was changed since, by version.

A change is tried out before it counts. It is written down as a *trial*, the camera starts with it, and only a camera
that then works confirms it. One that does not, or that dies trying, starts with the version before.

    base (file, variables, flags)  +  confirmed changes  (+  the trial's changes)  =  the configuration in force
"""

from pathlib import Path

import msgspec

from lapel.config import Changes, Config, Scalar, changed
from lapel.errors import ConfigError, StorageError
from lapel.files import replace

_FIXED = {("camera", "state")}
"""Where this very file lies cannot be changed by what is in it."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from the base since that version."""

    number: int = 0
    changes: dict[str, dict[str, Scalar]] = {}
    by: str = ""
    """Id of the command, or the name of the technician."""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    confirmed: Version = Version()
    trial: Version | None = None
    started: bool = False
    """Whether a camera was started with the trial: one that is found so did not live to confirm it."""
    newest: int = 0
    """The highest number ever given, so that one that was rolled back is not given again."""


class Settings:
    """Belongs to the camera; every method but the properties may block, and is called through a Worker while it runs.

    Raises StorageError when the file cannot be written, and changes nothing then.
    """

    def __init__(self, base: Config, path: Path | None = None) -> None:
        """Without a `path` the changes live as long as this object: for the simulator, whose power cuts spare it."""
        self._base, self._path = base, path
        self._file = _File()
        self._rolled_back = ""

    @property
    def current(self) -> Config:
        """The configuration in force: with the trial's changes while there is a trial."""
        return changed(self._base, self._in_force.changes, "configuration change")

    @property
    def version(self) -> int:
        """Its number; 0 is the base."""
        return self._in_force.number

    @property
    def on_trial(self) -> bool:
        """Whether it still has to prove itself."""
        return self._file.trial is not None

    @property
    def trial_by(self) -> str:
        """Who asked for the trial; empty without one."""
        return self._file.trial.by if self._file.trial else ""

    def load(self) -> None:
        """At power-on. A trial that an earlier start began and did not confirm is rolled back; a file that cannot be
        used is set aside.
        """
        if self._path is None or not self._path.exists():
            return
        try:
            self._file = msgspec.json.decode(self._path.read_bytes(), type=_File)
            _ = self.current  # a newer firmware may have had keys that this one does not know
        except (OSError, msgspec.DecodeError, ConfigError) as error:
            self._file = _File()
            self._set_aside(error)
            return
        if self._file.trial is not None and self._file.started:
            self.roll_back("the camera did not live to confirm it")

    def checked(self, changes: Changes, base_version: int | None = None) -> Version:
        """The version that `changes` would make. Raises ConfigError when it could not be used. Does not block."""
        if base_version is not None and base_version != self.version:
            raise ConfigError(
                f"the change was made for version {base_version}, version {self.version} is in force; look at it first"
            )
        if not changes:
            raise ConfigError("configuration: nothing is to be changed; give sections, keys and values")
        for section, keys in changes.items():
            for key in keys:
                if (section, key) in _FIXED:
                    raise ConfigError(f"[{section}] {key}: cannot be changed while the camera runs")
        merged = {name: dict(keys) for name, keys in self._file.confirmed.changes.items()}
        for section, keys in changes.items():
            merged.setdefault(section, {}).update(keys)
        changed(self._base, merged, "configuration change")
        return Version(number=self._file.newest + 1, changes=merged)

    def try_out(self, version: Version, by: str) -> None:
        """Write it down as the trial; the next start begins it."""
        trial = msgspec.structs.replace(version, by=by)
        self._write(msgspec.structs.replace(self._file, trial=trial, started=False, newest=trial.number))
        self._rolled_back = ""

    def begin(self) -> None:
        """A camera is about to start with what is in force."""
        if self._file.trial is not None and not self._file.started:
            self._write(msgspec.structs.replace(self._file, started=True))

    def take_roll_back(self) -> str:
        """Why the newest version was taken back since this was last asked; empty when it was not."""
        reason, self._rolled_back = self._rolled_back, ""
        return reason

    def confirm(self) -> None:
        """The trial works: it is in force for good."""
        if self._file.trial is not None:
            self._write(msgspec.structs.replace(self._file, confirmed=self._file.trial, trial=None, started=False))

    def roll_back(self, reason: str) -> None:
        """The trial does not work: the version before is in force again."""
        self._rolled_back = reason
        self._write(msgspec.structs.replace(self._file, trial=None, started=False))

    def changed_keys(self) -> dict[str, dict[str, Scalar]]:
        """What differs from the base now."""
        return {name: dict(keys) for name, keys in self._in_force.changes.items()}

    @property
    def _in_force(self) -> Version:
        return self._file.trial or self._file.confirmed

    def _write(self, file: _File) -> None:
        if self._path is not None:
            try:
                replace(self._path, msgspec.json.format(msgspec.json.encode(file), indent=2))
            except OSError as error:
                raise StorageError(f"{self._path}: the configuration cannot be kept: {error.strerror}") from error
        self._file = file

    def _set_aside(self, error: Exception) -> None:
        assert self._path is not None
        self._rolled_back = f"{self._path}: could not be used and was set aside: {error}"
        try:
            self._path.rename(self._path.with_suffix(".damaged"))
        except OSError as trouble:
            raise StorageError(f"{self._path}: cannot be used: {error}; nor set aside: {trouble.strerror}") from error
