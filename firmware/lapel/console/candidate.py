"""A change of configuration on its way: collected, put in force on trial, confirmed, or taken back by itself.

Two safeguards stand behind each other: the camera takes settings back that it does not work with, and a technician who
asked for `commit confirmed` and then lost the line finds the old settings again.
"""

import asyncio

from lapel.clock import Clock
from lapel.config import Changes, Scalar
from lapel.console.interface import Desk, Outcome
from lapel.errors import ConsoleError

_RETRY_S = 30.0


class Candidate:
    """The one candidate of a camera. Outlives sessions; belongs to the event loop."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
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

    async def commit(self, reason: str, confirmed_s: float | None) -> Outcome:
        """Put the candidate in force. Without a confirmation in time it is taken back."""
        if not self._changes:
            raise ConsoleError("config: nothing is to be committed; `config set KEY VALUE` first", "refused")
        if self._waiting is not None:
            raise ConsoleError(
                "config: a change waits to be confirmed; `config confirm` or `config rollback`", "refused"
            )
        before = self._in_force_now(self._changes)
        outcome = await self._desk.change(self._changes, reason)
        if outcome.done:
            self._changes = {}
            if confirmed_s is not None:
                self._undo, self._deadline_s = before, self._clock.mono_s() + confirmed_s
                self._waiting = asyncio.create_task(self._take_back_later(confirmed_s), name="console-confirm")
        return outcome

    def confirm(self) -> None:
        """It stays. Raises ConsoleError when nothing waits for it."""
        if self._waiting is None:
            raise ConsoleError("config: nothing waits to be confirmed", "refused")
        self.close()

    async def roll_back(self) -> Outcome:
        """Drop the candidate; take back what waits to be confirmed."""
        self._changes = {}
        if self._waiting is None:
            return Outcome(done=True, reason="the candidate is dropped")
        outcome = await self._desk.change(self._undo, "config rollback")
        if outcome.done:
            self.close()
        return outcome

    def close(self) -> None:
        """Wait for no confirmation any more."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting, self._deadline_s, self._undo = None, None, {}

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
        now = self._desk.settings()
        found: dict[str, dict[str, Scalar]] = {}
        for section, keys in changes.items():
            for key in keys:
                value = now[section][key]
                if value is not None:
                    found.setdefault(section, {})[key] = value
        return found

    async def _take_back_later(self, after_s: float) -> None:
        await self._clock.sleep(after_s)
        while not (await self._desk.change(self._undo, "not confirmed in time")).done:
            await self._clock.sleep(_RETRY_S)  # it is recording: later
        self._desk.log.add("configuration: not confirmed in time, the settings before are in force again", "warning")
        self._waiting, self._deadline_s, self._undo = None, None, {}
