"""A battery that drains with the camera's state and the cold, charges in the dock, and ages.

Charge and temperature are computed from the time when they are read; nothing runs in between. Vendors' manuals give
about 12 hours of use; every other figure is our choice, made so that a new battery buffers for 12 hours and records
for 9.
"""

import math
import random
from collections.abc import Iterator, Mapping

from lapel.hardware.interfaces import Charge, Thresholds
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
"""Charges from empty to full in three hours."""
RISE_C: Mapping[State, float] = {
    State.OFF: 0.0,
    State.BOOTING: 8.0,
    State.STANDBY: 2.0,
    State.BUFFERING: 8.0,
    State.RECORDING: 12.0,
    State.DOCKED: 6.0,
    State.FAULT: 3.0,
}
"""Temperature rise of the cells above the ambient temperature, in the end."""
WARMING_S = 600.0
"""Time constant of the temperature rise."""
COLD_C, DRAW_PER_DEGREE = 10.0, 0.02
"""For each degree below this ambient temperature the same use takes 2 % more of the charge."""

ROOM_C = 23.0
"""The ambient temperature, unless a fault changes it."""
_MIN_WAIT_S = 30.0
_AFTER_MARK_S = 0.001


class SimulatedBattery:
    """Implements `lapel.hardware.interfaces.Battery`. The outside world calls all but the first two methods."""

    def __init__(
        self, clock: Timeline, rng: random.Random, *, percent: float = 100.0, ambient_c: float = ROOM_C
    ) -> None:
        """`rng` decides how aged it is: its capacity is 85 to 100 % of a new one's."""
        self._clock = clock
        self.capacity_wh = CAPACITY_WH * rng.uniform(0.85, 1.0)
        self._held_wh = self.capacity_wh * percent / 100
        self._ambient_c = self._cells_c = ambient_c
        self._as_of_s = clock.mono_s()
        self._state, self._has_radio, self._is_charging = State.OFF, True, False
        self._changed = LightEvent()
        self.drained_wh = self.charged_wh = self.lost_wh = 0.0
        """Energy used, charged by the dock, and lost by `drop_to`, since it was made. A swap changes none of them."""
        self.history: list[str] = []
        """What was done to the battery, in order."""

    def charge(self) -> Charge:
        """See `Battery.charge`."""
        self._catch_up()
        percent = self.percent()
        minutes = None if self._is_charging else self._held_wh / self._draw_w(State.RECORDING) * 60
        return Charge(percent, minutes, self._is_charging, self._cells_c)

    def percent(self) -> float:
        """The charge alone, 0 to 100: what a whole fleet is sampled for."""
        self._catch_up()
        return min(100.0, self._held_wh / self.capacity_wh * 100)

    async def crossed(self, marks: Thresholds) -> None:
        """See `Battery.crossed`. Reads again when a mark could be crossed at the earliest: a few times a shift."""
        before = _sides(self.charge(), marks)
        while _sides(self.charge(), marks) == before:
            await self._wait_for_change(min(self._earliest_crossings_s(marks), default=None))

    # -- the outside world ---------------------------------------------------------------------------------------------

    def set_state(self, state: State) -> None:
        """The camera is in this state from now on, which decides its power draw."""
        self._catch_up()
        self._state = state

    def set_radio(self, is_on: bool) -> None:
        """Switch the camera's radio, which is on at first, on or off."""
        self._change("radio on" if is_on else "radio off")
        self._has_radio = is_on

    def set_charger(self, is_connected: bool) -> None:
        """Connect or disconnect the charger, which powers the camera too."""
        self._change("charger on" if is_connected else "charger off")
        self._is_charging = is_connected

    def set_ambient_c(self, temperature_c: float) -> None:
        """Change the ambient temperature."""
        self._change(f"ambient temperature {temperature_c:g} °C")
        self._ambient_c = temperature_c

    def drop_to(self, percent: float) -> None:
        """Lose all charge above `percent` at once, as aged cells do under load."""
        self._change(f"drops to {percent:g} %")
        left_wh = min(self._held_wh, self.capacity_wh * percent / 100)
        self.lost_wh += self._held_wh - left_wh
        self._held_wh = left_wh

    def swap(self, percent: float = 100.0) -> None:
        """Replace it by another one with `percent` of charge, as aged as this one."""
        self._change(f"swapped for one with {percent:g} %")
        self._held_wh, self._cells_c = self.capacity_wh * percent / 100, self._ambient_c

    @property
    def is_empty(self) -> bool:
        """Whether it cannot power the camera any more."""
        self._catch_up()
        return self._held_wh <= 0 and not self._is_charging

    # -- inside --------------------------------------------------------------------------------------------------------

    def _draw_w(self, state: State) -> float:
        cold = 1 + DRAW_PER_DEGREE * max(0.0, COLD_C - self._ambient_c)
        return (DRAW_W[state] + RADIO_W * (self._has_radio and state is not State.OFF)) * cold

    def _catch_up(self) -> None:
        """Bring charge and temperature up to this moment; nothing but the time has changed since the last call."""
        now_s = self._clock.mono_s()
        passed_s, self._as_of_s = now_s - self._as_of_s, now_s
        if not passed_s:
            return
        if self._is_charging:
            gained_wh = min(self.capacity_wh - self._held_wh, CHARGE_W * passed_s / 3600)
            self.charged_wh += gained_wh
            self._held_wh += gained_wh
        else:
            used_wh = min(self._held_wh, self._draw_w(self._state) * passed_s / 3600)
            self.drained_wh += used_wh
            self._held_wh -= used_wh
        end_c = self._ambient_c + RISE_C[self._state]
        self._cells_c = end_c + (self._cells_c - end_c) * math.exp(-passed_s / WARMING_S)

    def _change(self, what: str) -> None:
        """Called before a change: brings everything up to this moment, and lets waiting tasks read again afterwards."""
        self._catch_up()
        self.history.append(what)
        self._changed.pulse()

    async def _wait_for_change(self, within_s: float | None) -> None:
        if within_s is None:
            await self._changed.wait()
            return
        cancel = self._clock.later(max(_MIN_WAIT_S, within_s + _AFTER_MARK_S), self._changed.pulse)
        try:
            await self._changed.wait()
        finally:
            cancel()

    def _earliest_crossings_s(self, marks: Thresholds) -> Iterator[float]:
        """Seconds until each mark could be crossed at the earliest, whatever the camera does meanwhile."""
        record_w = self._draw_w(State.RECORDING)
        marks_wh = [self.capacity_wh * percent / 100 for percent in marks.percent]
        marks_wh += [record_w * minutes / 60 for minutes in marks.minutes_left]
        for mark_wh in marks_wh:
            if self._is_charging and mark_wh > self._held_wh:
                yield (mark_wh - self._held_wh) / CHARGE_W * 3600
            elif not self._is_charging and mark_wh < self._held_wh:
                yield (self._held_wh - mark_wh) / record_w * 3600
        coldest_c, hottest_c = self._ambient_c, self._ambient_c + max(RISE_C.values())
        for mark_c in marks.temperature_c:
            if self._cells_c < mark_c < hottest_c:
                yield WARMING_S * math.log((hottest_c - self._cells_c) / (hottest_c - mark_c))
            elif coldest_c < mark_c <= self._cells_c:
                yield WARMING_S * math.log((self._cells_c - coldest_c) / (mark_c - coldest_c))


def _sides(charge: Charge, marks: Thresholds) -> tuple[bool, ...]:
    """For each mark, whether the reading is above it."""
    minutes_left = math.inf if charge.minutes_left is None else charge.minutes_left
    return (
        charge.charging,
        *(charge.percent > mark for mark in marks.percent),
        *(minutes_left > mark for mark in marks.minutes_left),
        *(charge.temperature_c is not None and charge.temperature_c >= mark for mark in marks.temperature_c),
    )
