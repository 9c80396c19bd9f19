"""A change of configuration on its way: collected, put in force on trial, confirmed, or taken back by itself.

Two safeguards stand behind each other: the camera takes settings back that it does not work with, and a technician who
asked for `commit confirmed` and then lost the line, or the power, finds the old settings again. What has to be taken
back, and when, is on disk before anything changes.
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
from lapel.files import replace, sync_folder
from lapel.worker import Worker

_RETRY_S = 30.0
_RETRY_MAX_S = 3_600.0
_PROVED_S = 90.0
"""Seconds after which settings that were put back have proved themselves, or the camera has taken *them* back."""


class Unconfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that must come back, and when. UTC, because monotonic time ends with the power; a clock that lost its
    time meanwhile can make it earlier, or at most `within_s` from the start.
    """

    undo: dict[str, dict[str, Scalar]]
    deadline: datetime
    within_s: float


class Note:
    """Where it is written down. Every method blocks: called through a Worker."""

    def __init__(self, path: Path | None = None) -> None:
        """Without a `path` it lives as long as this object: for simulated cameras, whose power cuts spare it."""
        self._path = path
        self._kept: Unconfirmed | None = None

    def load(self) -> Unconfirmed | None:
        """Raises StorageError when what is there cannot be used; it is set aside."""
        if self._path is None:
            return self._kept
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Unconfirmed)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            with contextlib.suppress(OSError):
                self._path.rename(self._path.with_suffix(".damaged"))
            raise StorageError(f"{self._path}: cannot be used and was set aside: {error}") from error

    def write(self, what: Unconfirmed) -> None:
        """Raises StorageError."""
        if self._path is None:
            self._kept = what
        else:
            try:
                replace(self._path, msgspec.json.format(msgspec.json.encode(what), indent=2), 0o600)
            except OSError as error:
                self._fail(error)

    def remove(self) -> None:
        """Raises StorageError."""
        if self._path is None:
            self._kept = None
        else:
            try:
                self._path.unlink(missing_ok=True)
                sync_folder(self._path.parent)
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        raise StorageError(f"{self._path}: cannot be written: {error.strerror}; nothing was changed") from error


class Candidate:
    """The one candidate of a camera. Outlives sessions; belongs to the event loop."""

    def __init__(self, desk: ConsoleCamera, clock: Clock, worker: Worker, note: Note | None = None) -> None:
        """`note` is where an unconfirmed change survives the power."""
        self._desk, self._clock, self._worker, self._note = desk, clock, worker, note or Note()
        self._changes: dict[str, dict[str, Scalar]] = {}
        self._undo: dict[str, dict[str, Scalar]] = {}
        self._deadline_s: float | None = None
        self._waiting: asyncio.Task[None] | None = None

    @property
    def changes(self) -> Changes:
        """What would be changed."""
        return self._changes

    @property
    def confirm_within_s(self) -> float | None:
        """Seconds left to confirm; None when nothing waits for it."""
        return None if self._deadline_s is None else max(0.0, self._deadline_s - self._clock.mono_s())

    def set(self, section: str, key: str, word: str) -> Scalar:
        """Note a change. Raises ConfigError or ConsoleError when it could not be put in force."""
        value = self._value(section, key, word)
        changes = {name: dict(keys) for name, keys in self._changes.items()}
        changes.setdefault(section, {})[key] = value
        self._desk.check_change(changes)
        self._changes = changes
        return value

    async def resume(self) -> None:
        """At power-on: what waited to be confirmed goes on waiting, or is taken back when its time has passed."""
        try:
            found = await self._worker.run(self._note.load)
        except StorageError as error:
            self._desk.log.add(str(error), "error")
            return
        if found is not None:
            left_s = (found.deadline - self._clock.now().utc).total_seconds()
            self._await_confirmation(found.undo, min(max(0.0, left_s), found.within_s))

    async def run_out(self) -> None:
        """Where no console is served, and so nobody can confirm: until what waited for it is taken back."""
        try:
            await self.resume()
            if self._waiting is not None:
                await self._waiting
        finally:
            await self.close()

    async def commit(self, reason: str, confirmed_s: float | None) -> Outcome:
        """Put the candidate in force. Without a confirmation in time it is taken back."""
        if not self._changes:
            raise ConsoleError("config: nothing is to be committed; `config set KEY VALUE` first", "refused")
        if self._waiting is not None:
            raise ConsoleError(
                "config: a change waits to be confirmed; `config confirm` or `config rollback`", "refused"
            )
        if confirmed_s is not None:
            await self._promise(self._in_force_now(self._changes), confirmed_s)
        outcome = await self._desk.change(self._changes, reason)
        if outcome.done:
            self._changes = {}
        else:
            await self._forget()
        return outcome

    async def confirm(self) -> None:
        """It stays. Raises ConsoleError when nothing waits for it, StorageError when that cannot be written down."""
        if self._waiting is None:
            raise ConsoleError("config: nothing waits to be confirmed", "refused")
        await self._forget()

    async def roll_back(self) -> Outcome:
        """Drop the candidate; take back what waits to be confirmed."""
        self._changes = {}
        if self._waiting is None:
            return Outcome(done=True, reason="the candidate is dropped")
        outcome = await self._desk.change(self._undo, "config rollback")
        if outcome.done:
            await self._forget()
        return outcome

    async def close(self) -> None:
        """Wait for no confirmation any more; the note stays for the next start."""
        waiting, self._waiting = self._waiting, None
        self._deadline_s, self._undo = None, {}
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def _promise(self, undo: dict[str, dict[str, Scalar]], within_s: float) -> None:
        deadline = self._clock.now().utc + timedelta(seconds=within_s)
        note = Unconfirmed(undo=undo, deadline=deadline, within_s=within_s)
        await self._worker.run(partial(self._note.write, note))
        self._await_confirmation(undo, within_s)

    def _await_confirmation(self, undo: dict[str, dict[str, Scalar]], within_s: float) -> None:
        self._undo, self._deadline_s = undo, self._clock.mono_s() + within_s
        self._waiting = asyncio.create_task(self._take_back_later(within_s), name="console-confirm")

    async def _forget(self) -> None:
        if self._waiting is not None:
            await self._worker.run(self._note.remove)
            await self.close()

    async def _take_back_later(self, after_s: float) -> None:
        """Until it is certain. The camera refuses while it records, and takes even the old settings back when they
        bring no pictures or no broker within its trial: then again, ever more rarely.
        """
        await self._clock.sleep(after_s)
        retry_s = _RETRY_S
        while not self._is_in_force(self._undo):
            with contextlib.suppress(LapelError):
                if (await self._desk.change(self._undo, "not confirmed in time")).done:
                    await self._clock.sleep(_PROVED_S)
                    if self._is_in_force(self._undo):
                        break
            await self._clock.sleep(retry_s)
            retry_s = min(2 * retry_s, _RETRY_MAX_S)
        self._desk.log.add("configuration: not confirmed in time, the settings before are in force again", "warning")
        with contextlib.suppress(StorageError):  # then it is found again at the next start, and is in force already
            await self._worker.run(self._note.remove)
        self._waiting, self._deadline_s, self._undo = None, None, {}

    def _is_in_force(self, wanted: Changes) -> bool:
        try:
            now = self._desk.settings()
        except LapelError:  # the camera is not there yet
            return False
        return all(now[section][key] == value for section, keys in wanted.items() for key, value in keys.items())

    def _value(self, section: str, key: str, word: str) -> Scalar:
        """`word` as the kind of value that the key has now; the check of the whole says what does not fit."""
        known = self._desk.settings()
        if section not in known or key not in known[section]:
            raise ConsoleError(f"config: {section}.{key} is no key; `config show` lists them", "usage")
        now = known[section][key]
        if isinstance(now, bool):
            if word not in ("true", "false"):
                raise ConsoleError(f"config: {section}.{key} is true or false, not `{word}`", "usage")
            return word == "true"
        if isinstance(now, str):
            return word
        try:
            return float(word) if isinstance(now, float) or "." in word else int(word)
        except ValueError:
            if now is None:
                return word
            raise ConsoleError(f"config: {section}.{key} is a number, not `{word}`", "usage") from None

    def _in_force_now(self, changes: Changes) -> dict[str, dict[str, Scalar]]:
        """Raises ConsoleError for a key that has no value now: there would be nothing to put back."""
        now = self._desk.settings()
        found: dict[str, dict[str, Scalar]] = {}
        for section, keys in changes.items():
            for key in keys:
                value = now[section][key]
                if value is None:
                    raise ConsoleError(
                        f"config: {section}.{key} has no value now and could not be taken back; `config commit`"
                        " without `confirmed`, or leave it out",
                        "refused",
                    )
                found.setdefault(section, {})[key] = value
        return found
