"""A battery that drains by what the camera does and by the cold, charges in the dock, ages and falls off its cliff.

Nothing runs while nobody asks: charge and temperature follow from the time. Vendors' manuals give about 12 hours of
use; every other figure here is our choice, made so that a new battery buffers for 12 hours and records for 9.
"""

import math
import random
from collections.abc import Iterator, Mapping

from lapel.hardware.interfaces import Charge, Marks
from lapel.light_event import LightEvent
from lapel.states import State
from lapel_fleet.time.timelines import Timeline

CAPACITY_WH = 14.4
"""New and warm: four ampere-hours at 3.6 V."""
DRAW_W: Mapping[State, float] = {
    State.OFF: 0.0,
    State.BOOTING: 1.2,
    State.STANDBY: 0.3,
    State.BUFFERING: 1.0,
    State.RECORDING: 1.4,
    State.DOCKED: 0.3,
    State.FAULT: 0.4,
}
"""Without the radio."""
RADIO_W = 0.2
CHARGE_W = 4.8
"""Three hours from empty to full."""
RISE_C: Mapping[State, float] = {
    State.OFF: 0.0,
    State.BOOTING: 8.0,
    State.STANDBY: 2.0,
    State.BUFFERING: 8.0,
    State.RECORDING: 12.0,
    State.DOCKED: 6.0,
    State.FAULT: 3.0,
}
"""By how much the cells end up warmer than what is around them."""
WARMING_S = 600.0
"""Time constant of that."""
COLD_C, DRAW_PER_DEGREE = 10.0, 0.02
"""For each degree that it is colder around it than this, the same use takes 2 % more of the charge."""

_LEAST_LOOK_S = 30.0
_BEYOND_S = 0.001


class SimulatedBattery:
    """Implements `lapel.hardware.interfaces.Battery`. The outside world calls all but the first two methods."""

    def __init__(self, clock: Timeline, rng: random.Random, *, percent: float = 100.0, around_c: float = 23.0) -> None:
        """`rng` decides how old it is: it holds 85 to 100 % of what a new one does."""
        self._clock = clock
        self.capacity_wh = CAPACITY_WH * rng.uniform(0.85, 1.0)
        self._held_wh = self.capacity_wh * percent / 100
        self._around_c = self._cells_c = around_c
        self._as_of_s = clock.mono_s()
        self._state, self._has_radio, self._is_charging = State.OFF, True, False
        self._disturbed = LightEvent()
        self.drained_wh = self.charged_wh = self.lost_wh = 0.0
        """What was used, put in by the dock, and lost over a cliff, since it was made; a swap is not among it."""
        self.history: list[str] = []
        """What was done to it, in order."""

    def charge(self) -> Charge:
        """See `Battery.charge`."""
        self._catch_up()
        minutes = None if self._is_charging else self._held_wh / self._draw_w(State.RECORDING) * 60
        percent = min(100.0, self._held_wh / self.capacity_wh * 100)
        return Charge(percent, minutes, self._is_charging, self._cells_c)

    async def crossed(self, marks: Marks) -> None:
        """See `Battery.crossed`. Sleeps for as long as it would take at worst, and looks again: a few times a shift."""
        before = _sides(self.charge(), marks)
        while _sides(self.charge(), marks) == before:
            await self._disturbance(min(self._waits_s(marks), default=None))

    # -- the outside world ---------------------------------------------------------------------------------------------

    def shows(self, state: State) -> None:
        """The camera does this from now on; off, nothing."""
        self._catch_up()
        self._state = state

    def radio(self, is_on: bool) -> None:
        """Its radio is on, as it is at first, or off: the charge lasts less, or more."""
        self._disturb("radio on" if is_on else "radio off")
        self._has_radio = is_on

    def charger(self, is_there: bool) -> None:
        """The dock feeds it, and the camera too, or no longer does."""
        self._disturb("charger on" if is_there else "charger off")
        self._is_charging = is_there

    def set_ambient_c(self, temperature_c: float) -> None:
        """It gets warmer or colder around it."""
        self._disturb(f"{temperature_c:g} °C around it")
        self._around_c = temperature_c

    def cliff(self, percent: float) -> None:
        """What it had above that charge is gone at once, as happens to old cells under load."""
        self._disturb(f"falls to {percent:g} %")
        left_wh = min(self._held_wh, self.capacity_wh * percent / 100)
        self.lost_wh += self._held_wh - left_wh
        self._held_wh = left_wh

    def swap(self, percent: float = 100.0) -> None:
        """Somebody puts another one in, as old as this."""
        self._disturb(f"swapped for one with {percent:g} %")
        self._held_wh, self._cells_c = self.capacity_wh * percent / 100, self._around_c

    @property
    def is_empty(self) -> bool:
        """Whether the camera has no power any more."""
        self._catch_up()
        return self._held_wh <= 0 and not self._is_charging

    # -- inside --------------------------------------------------------------------------------------------------------

    def _draw_w(self, state: State) -> float:
        cold = 1 + DRAW_PER_DEGREE * max(0.0, COLD_C - self._around_c)
        return (DRAW_W[state] + RADIO_W * (self._has_radio and state is not State.OFF)) * cold

    def _catch_up(self) -> None:
        """Up to this moment, in which nothing but time changed."""
        now_s = self._clock.mono_s()
        passed_s, self._as_of_s = now_s - self._as_of_s, now_s
        if self._is_charging:
            gained_wh = min(self.capacity_wh - self._held_wh, CHARGE_W * passed_s / 3600)
            self.charged_wh += gained_wh
            self._held_wh += gained_wh
        else:
            used_wh = min(self._held_wh, self._draw_w(self._state) * passed_s / 3600)
            self.drained_wh += used_wh
            self._held_wh -= used_wh
        end_c = self._around_c + RISE_C[self._state]
        self._cells_c = end_c + (self._cells_c - end_c) * math.exp(-passed_s / WARMING_S)

    def _disturb(self, what: str) -> None:
        """Everything up to now is as it was; who waits looks again, after this."""
        self._catch_up()
        self.history.append(what)
        self._disturbed.pulse()

    async def _disturbance(self, within_s: float | None) -> None:
        if within_s is None:
            await self._disturbed.wait()
            return
        forget = self._clock.later(max(_LEAST_LOOK_S, within_s + _BEYOND_S), self._disturbed.pulse)
        try:
            await self._disturbed.wait()
        finally:
            forget()

    def _waits_s(self, marks: Marks) -> Iterator[float]:
        """Each time after which a mark could be crossed at the earliest, whatever the camera does in it."""
        record_w = self._draw_w(State.RECORDING)
        marks_wh = [self.capacity_wh * percent / 100 for percent in marks.percent]
        marks_wh += [record_w * minutes / 60 for minutes in marks.minutes_left]
        for mark_wh in marks_wh:
            if self._is_charging and mark_wh > self._held_wh:
                yield (mark_wh - self._held_wh) / CHARGE_W * 3600
            elif not self._is_charging and mark_wh < self._held_wh:
                yield (self._held_wh - mark_wh) / record_w * 3600
        coldest_c, hottest_c = self._around_c, self._around_c + max(RISE_C.values())
        for mark_c in marks.temperature_c:
            if self._cells_c < mark_c < hottest_c:
                yield WARMING_S * math.log((hottest_c - self._cells_c) / (hottest_c - mark_c))
            elif coldest_c < mark_c <= self._cells_c:
                yield WARMING_S * math.log((self._cells_c - coldest_c) / (mark_c - coldest_c))


def _sides(charge: Charge, marks: Marks) -> tuple[bool, ...]:
    """On which side of each mark a reading lies."""
    minutes_left = math.inf if charge.minutes_left is None else charge.minutes_left
    return (
        charge.charging,
        *(charge.percent > mark for mark in marks.percent),
        *(minutes_left > mark for mark in marks.minutes_left),
        *(charge.temperature_c >= mark for mark in marks.temperature_c),
    )
