"""The candidate configuration: changes are collected, committed on trial, then confirmed or reverted automatically.

Two safeguards protect the camera. It reverts settings that it does not work with by itself. And after `commit
confirmed` the previous settings come back unless the technician confirms in time, even if the serial line or the power
is lost: what to revert, and when, is on disk before anything changes.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import msgspec

from lapel.clock import Clock
from lapel.config import Changes, Scalar
from lapel.console.interface import ConsoleCamera, Outcome
from lapel.errors import ConsoleError, LapelError, StorageError
from lapel.files import sync_folder
from lapel.own_files import DamageReports, read_or_set_aside, write
from lapel.worker import Worker

_RETRY_S = 30.0
_RETRY_MAX_S = 3_600.0
_WITHIN_MAX_S = 7 * 24 * 3_600.0
_TRIAL_S = 90.0
"""After these seconds restored settings have passed the camera's trial, or the camera has reverted *them*."""


class UnconfirmedChange(msgspec.Struct, frozen=True, kw_only=True):
    """The settings to restore, and when. The deadline is in UTC, because monotonic time does not survive a power loss.
    If the clock lost its time meanwhile, the deadline may come early, but at most `within_s` after the restart.
    """

    undo: dict[str, dict[str, Scalar]]
    deadline: datetime
    within_s: float


def _check(change: UnconfirmedChange) -> None:
    """Raises ValueError for a change that could not be waited for."""
    if change.deadline.tzinfo is None or not 0 <= change.within_s <= _WITHIN_MAX_S:
        raise ValueError(f"it has the deadline {change.deadline}, within {change.within_s} s")


class UnconfirmedFile:
    """The file that holds the unconfirmed change. Every method blocks: called through a Worker."""

    def __init__(self, path: Path | None = None, damage: DamageReports | None = None) -> None:
        """Without a `path` it is kept in this object: for simulated cameras, where it survives a power cut."""
        self._path, self._damage = path, damage or DamageReports()
        self._in_memory: UnconfirmedChange | None = None

    def load(self) -> UnconfirmedChange | None:
        """The change, or None. Raises StorageError when the disk does not give the file; a damaged one is set aside."""
        if self._path is None:
            return self._in_memory
        return read_or_set_aside(self._path, UnconfirmedChange, self._damage, _check)

    def write(self, change: UnconfirmedChange) -> None:
        """Raises StorageError."""
        if self._path is None:
            self._in_memory = change
        else:
            try:
                write(self._path, change, make_folder=True)
            except OSError as error:
                self._fail(error)

    def remove(self) -> None:
        """Raises StorageError."""
        if self._path is None:
            self._in_memory = None
        else:
            try:
                self._path.unlink(missing_ok=True)
                sync_folder(self._path.parent)
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        raise StorageError(f"{self._path}: cannot be written: {error.strerror}; nothing was changed") from error


class CandidateConfig:
    """The one candidate configuration of a camera. It outlives sessions, and belongs to the event loop."""

    def __init__(
        self, camera: ConsoleCamera, clock: Clock, worker: Worker, unconfirmed: UnconfirmedFile | None = None
    ) -> None:
        """`unconfirmed` is where an unconfirmed change survives a power loss."""
        self._camera, self._clock, self._worker = camera, clock, worker
        self._unconfirmed = unconfirmed or UnconfirmedFile()
        self._changes: dict[str, dict[str, Scalar]] = {}
        self._undo: dict[str, dict[str, Scalar]] = {}
        self._deadline_s: float | None = None
        self._reverting: asyncio.Task[None] | None = None

    @property
    def changes(self) -> Changes:
        """The changes that are not committed yet."""
        return self._changes

    @property
    def confirm_within_s(self) -> float | None:
        """Seconds left to confirm; None when no change waits for confirmation."""
        return None if self._deadline_s is None else max(0.0, self._deadline_s - self._clock.mono_s())

    def set(self, section: str, key: str, word: str) -> Scalar:
        """Add a change. Raises ConfigError or ConsoleError when the configuration would be invalid."""
        value = self._parse_value(section, key, word)
        changes = {name: dict(keys) for name, keys in self._changes.items()}
        changes.setdefault(section, {})[key] = value
        self._camera.check_change(changes)
        self._changes = changes
        return value

    async def resume(self) -> None:
        """At power-on: continue to wait for a confirmation, or revert when its deadline has passed."""
        try:
            found = await self._worker.run(self._unconfirmed.load)
        except StorageError as error:
            self._camera.log.add(str(error), "error")
            return
        if found is not None:
            left_s = (found.deadline - self._clock.now().utc).total_seconds()
            self._await_confirmation(found.undo, min(max(0.0, left_s), found.within_s))

    async def await_revert(self) -> None:
        """Without a console, where no one can confirm: wait for the deadline and revert."""
        try:
            await self.resume()
            if self._reverting is not None:
                await self._reverting
        finally:
            await self.close()

    async def commit(self, reason: str, confirmed_s: float | None) -> Outcome:
        """Put the candidate in force. With `confirmed_s` it is reverted unless confirmed within that time."""
        if not self._changes:
            raise ConsoleError("config: no changes to commit; add one with `config set KEY VALUE`", "refused")
        if self._reverting is not None:
            raise ConsoleError(
                "config: a change waits for confirmation; `config confirm` or `config rollback` first", "refused"
            )
        if confirmed_s is not None:
            await self._prepare_revert(self._values_in_force(self._changes), confirmed_s)
        outcome = await self._camera.change(self._changes, reason)
        if outcome.done:
            self._changes = {}
        else:
            await self._cancel_revert()
        return outcome

    async def confirm(self) -> None:
        """Keep the change. Raises ConsoleError when none waits for confirmation, StorageError when the file that
        announces the revert cannot be removed.
        """
        if self._reverting is None:
            raise ConsoleError("config: no change waits for confirmation", "refused")
        await self._cancel_revert()

    async def roll_back(self) -> Outcome:
        """Discard uncommitted changes, and revert a change that waits for confirmation."""
        self._changes = {}
        if self._reverting is None:
            return Outcome(done=True, reason="uncommitted changes discarded")
        outcome = await self._camera.change(self._undo, "config rollback")
        if outcome.done:
            await self._cancel_revert()
        return outcome

    async def close(self) -> None:
        """Stop waiting for a confirmation; the file stays for the next start."""
        reverting, self._reverting = self._reverting, None
        self._deadline_s, self._undo = None, {}
        if reverting is not None:
            reverting.cancel()
            await asyncio.gather(reverting, return_exceptions=True)

    async def _prepare_revert(self, undo: dict[str, dict[str, Scalar]], within_s: float) -> None:
        deadline = self._clock.now().utc + timedelta(seconds=within_s)
        change = UnconfirmedChange(undo=undo, deadline=deadline, within_s=within_s)
        await self._worker.run(partial(self._unconfirmed.write, change))
        self._await_confirmation(undo, within_s)

    def _await_confirmation(self, undo: dict[str, dict[str, Scalar]], within_s: float) -> None:
        self._undo, self._deadline_s = undo, self._clock.mono_s() + within_s
        self._reverting = asyncio.create_task(self._revert_after(within_s), name="console-confirm")

    async def _cancel_revert(self) -> None:
        if self._reverting is not None:
            await self._worker.run(self._unconfirmed.remove)
            await self.close()

    async def _revert_after(self, delay_s: float) -> None:
        """Revert, and retry with back-off until the previous settings stay in force. The camera refuses a change while
        it records, and reverts even the previous settings when they bring no frames or no broker within its trial.
        """
        await self._clock.sleep(delay_s)
        retry_s = _RETRY_S
        while not self._is_in_force(self._undo):
            with contextlib.suppress(LapelError):
                if (await self._camera.change(self._undo, "not confirmed in time")).done:
                    await self._clock.sleep(_TRIAL_S)
                    if self._is_in_force(self._undo):
                        break
            await self._clock.sleep(retry_s)
            retry_s = min(2 * retry_s, _RETRY_MAX_S)
        self._camera.log.add("configuration: not confirmed in time, reverted to the previous settings", "warning")
        with contextlib.suppress(StorageError):  # then the next start finds the file, and nothing left to revert
            await self._worker.run(self._unconfirmed.remove)
        self._reverting, self._deadline_s, self._undo = None, None, {}

    def _is_in_force(self, wanted: Changes) -> bool:
        try:
            now = self._camera.settings()
        except LapelError:  # the camera is still starting
            return False
        return all(
            now.get(section, {}).get(key) == value for section, keys in wanted.items() for key, value in keys.items()
        )

    def _parse_value(self, section: str, key: str, word: str) -> Scalar:
        """`word` as a value of the key's current type; its range is checked with the whole configuration."""
        known = self._camera.settings()
        if section not in known or key not in known[section]:
            raise ConsoleError(f"config: unknown key {section}.{key}; `config show` lists all keys", "usage")
        now = known[section][key]
        if isinstance(now, bool):
            if word not in ("true", "false"):
                raise ConsoleError(f"config: {section}.{key} must be true or false, not `{word}`", "usage")
            return word == "true"
        if isinstance(now, str):
            return word
        try:
            return float(word) if isinstance(now, float) or "." in word else int(word)
        except ValueError:
            if now is None:
                return word
            raise ConsoleError(f"config: {section}.{key} must be a number, not `{word}`", "usage") from None

    def _values_in_force(self, changes: Changes) -> dict[str, dict[str, Scalar]]:
        """The current values of these keys. Raises ConsoleError for a key without one: it could not be reverted."""
        now = self._camera.settings()
        found: dict[str, dict[str, Scalar]] = {}
        for section, keys in changes.items():
            for key in keys:
                value = now[section][key]
                if value is None:
                    raise ConsoleError(
                        f"config: {section}.{key} has no value now and could not be reverted; `config commit`"
                        " without `confirmed`, or leave it out",
                        "refused",
                    )
                found.setdefault(section, {})[key] = value
        return found
