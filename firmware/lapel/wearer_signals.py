"""Gives the wearer lights, tones and vibrations: of the state, of what happens, reminders and warnings; or, in stealth,
none of them. Lines of text, for a terminal or a journal, are shown in any case.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from lapel.clock import Clock
from lapel.config import ControlsSection
from lapel.hardware.interfaces import Indicators
from lapel.indications import Indications, Light, Pattern, Signal, Situation
from lapel.states import State

_WARNINGS: Mapping[str, Signal] = {
    "low-battery": "low battery",
    "clock-unsynced": "clock unset",
    "no-wearer": "no wearer",
    "microphone-lost": "dead microphone",
    "silent-microphone": "dead microphone",
}
"""Flags of the state message that the wearer is warned of, the most urgent first."""
_SLOW_RECOVERY_S = 0.5
"""Seconds after which the search for interrupted recordings must have found one."""
_COUNT_MAX, _LONG_S = 10, 0.6
_WARNED_IN = (State.BUFFERING, State.RECORDING)
"""States in which the wearer relies on the camera."""


class RepeatedSignal:
    """A signal that is repeated while a condition is active. Schedules nothing while it is not."""

    __slots__ = ("_clock", "_every_s", "_give", "_task")

    def __init__(self, clock: Clock, give: Callable[[], None], every_s: float) -> None:
        """`give` sends the signal once; the first time after `every_s` seconds."""
        self._clock, self._give, self._every_s = clock, give, every_s
        self._task: asyncio.Task[None] | None = None

    def set_active(self, active: bool) -> None:
        """Begin, continue or end the repetition."""
        if active and self._task is None:
            self._task = asyncio.create_task(self._repeat(), name="signal")
        elif not active and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._every_s)
            self._give()


class WearerSignals:
    """What one camera shows its wearer, on `indicators`."""

    __slots__ = ("_clock", "_indicators", "_is_muted", "_is_recovering", "_is_stealth", "_reminders", "_shown",
                 "_state", "_table", "_turn", "_warned", "_warnings")  # fmt: skip

    def __init__(
        self,
        indicators: Indicators,
        table: Indications,
        clock: Clock,
        controls: ControlsSection,
        *,
        is_stealth: bool = False,
    ) -> None:
        self._indicators, self._table, self._clock, self._is_stealth = indicators, table, clock, is_stealth
        self._state, self._is_muted, self._is_recovering = State.OFF, False, False
        self._shown: Light = "dark"
        self._warned: Sequence[Signal] = ()
        self._turn = 0
        self._reminders: Mapping[State, RepeatedSignal] = {
            State.RECORDING: RepeatedSignal(clock, lambda: self.signal("recording"), controls.remind_s),
            State.STANDBY: RepeatedSignal(clock, lambda: self.signal("asleep"), controls.remind_asleep_s),
        }
        self._warnings = RepeatedSignal(clock, self._warn, controls.warn_s)

    @property
    def is_stealth(self) -> bool:
        """Whether none of the lights, tones and vibrations are given."""
        return self._is_stealth

    def show_line(self, line: str) -> None:
        """Show a line of text."""
        self._indicators.show_line(line)

    def show_state(self, state: State) -> None:
        """The camera is in this state from now on."""
        before, self._state = self._state, state
        if state is not State.RECORDING:
            self._is_muted = False
        self._indicators.show_state(state)
        self._show_light()
        for reminded, signal in self._reminders.items():
            signal.set_active(state is reminded)
        self._warnings.set_active(bool(self._warned) and state in _WARNED_IN)
        if state is not before:
            self._signal_change(before, state)
        if self._warned and state in _WARNED_IN and before not in _WARNED_IN:
            self._warn()

    def _signal_change(self, before: State, after: State) -> None:
        if after is State.RECORDING:
            self.signal("started")
        elif after is State.FAULT:
            self.signal("fault")
        elif before is State.RECORDING:
            self.signal("stopped")

    def set_muted(self, is_muted: bool) -> None:
        """The current recording is without sound, or with sound again."""
        self._is_muted = is_muted
        self._show_light()
        if self._state is State.RECORDING:
            self.signal("muted" if is_muted else "unmuted")

    @contextmanager
    def recovering(self) -> Iterator[None]:
        """While the block runs, the camera recovers recordings that were interrupted, if there are any: then it takes
        long enough to be seen.
        """
        slow = RepeatedSignal(self._clock, partial(self._set_recovering, True), _SLOW_RECOVERY_S)
        slow.set_active(True)
        try:
            yield
        finally:
            slow.set_active(False)
            self._set_recovering(False)

    def _set_recovering(self, is_recovering: bool) -> None:
        self._is_recovering = is_recovering
        self._show_light()

    def set_stealth(self, is_stealth: bool) -> None:
        """Give none of the lights, tones and vibrations, or all of them again as they would be by now."""
        self._is_stealth = is_stealth
        self._show_light()
        if is_stealth:
            self._indicators.silence()
        else:
            self.signal("stealth off")

    def set_flags(self, flags: Sequence[str]) -> None:
        """The flags of the state message: warn the wearer of them until they are gone."""
        warned = [signal for flag, signal in _WARNINGS.items() if flag in flags]
        new = [signal for signal in warned if signal not in self._warned]
        self._warned = warned
        if self._state in _WARNED_IN:
            for signal in new:
                self.signal(signal)
        self._warnings.set_active(bool(warned) and self._state in _WARNED_IN)

    def signal(self, signal: Signal) -> None:
        """Sound and vibrate once."""
        if not self._is_stealth:
            self._indicators.signal(signal, self._table.signals[signal])

    def count(self, signal: Signal, number: int) -> None:
        """Vibrate so many times; for 0, one long tone."""
        if not self._is_stealth:
            pattern = Pattern(vibrations=min(number, _COUNT_MAX)) if number else Pattern(tones=1, each_s=_LONG_S)
            self._indicators.signal(signal, pattern)

    def identify(self, seconds: float) -> str | None:
        """Blink and beep for `seconds`. Returns why that is refused; None when it is not."""
        if self._is_stealth:
            return "the camera is in stealth: its wearer must not be noticed"
        self._indicators.identify(seconds)
        return None

    def close(self) -> None:
        """No more reminders and warnings: the camera is off."""
        for signal in (*self._reminders.values(), self._warnings):
            signal.set_active(False)

    def _warn(self) -> None:
        """Each in turn: of several at once, the wearer would understand none."""
        self._turn += 1
        self.signal(self._warned[self._turn % len(self._warned)])

    def _show_light(self) -> None:
        light: Light = "dark" if self._is_stealth else self._table.lights[self._situation]
        if light != self._shown:
            self._shown = light
            self._indicators.show_light(light)

    @property
    def _situation(self) -> Situation:
        if self._state is State.RECORDING and self._is_muted:
            return "muted"
        if self._is_recovering and self._state in (State.OFF, State.BOOTING):
            return "recovering"
        return self._state.value
