"""The wearers of a run: they come and go with their shifts, record, set markers and forget to stop."""

import random
from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from typing import Any

from lapel.gestures import DOUBLE_S
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario, Shift
from lapel_fleet.scenario.wearer import Wearer
from lapel_fleet.time.timelines import Timeline

FORGOTTEN_STOP_S = 3600.0
"""A recording whose stop the wearer forgot lasts this much longer."""
_PAUSE_S = 2.0
"""Between two gestures, so that the firmware does not take them for one."""
_STEALTH_TIME_S = 10.0
"""More than it takes to go into stealth."""
MAX_LAST_STOP_S, LAST_STOP_SHARE = 30.0, 0.05
"""At the end of a run the recordings that go on are stopped within this time, or this share of a short day: a thousand
cameras that save their clips in one moment would slow each other down.
"""


class CameraWearer:
    """The wearer of one camera, who looks at its lights and handles it."""

    __slots__ = ("_camera", "_scenario", "_streams", "_time")

    def __init__(self, camera: SimulatedCamera, scenario: Scenario, streams: RandomStreams, time: Timeline) -> None:
        self._camera, self._scenario, self._streams, self._time = camera, scenario, streams, time

    def jobs(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Everything that the wearer does during the run, to be run side by side."""
        name = self._camera.name
        if shifts := [one for one in self._scenario.shifts if one.includes(name)]:
            yield self._work_shifts(shifts, self._streams.stream(name, "shift"))
        for number, activity in enumerate(self._scenario.wearers):
            yield self._record(activity, f"wearer {number}")

    async def stop_last_recording(self) -> None:
        """End a recording at the end of the run, after a moment drawn from the seed."""
        limit_s = min(MAX_LAST_STOP_S, LAST_STOP_SHARE * self._scenario.duration_s)
        await self._time.sleep(self._streams.stream(self._camera.name, "end").uniform(0.0, limit_s))
        await self._hold_to_stop()

    async def _work_shifts(self, shifts: Sequence[Shift], rng: random.Random) -> None:
        """Take the camera out of the dock when a shift begins and put it back when it ends, each a little late."""
        self._camera.put_in_dock()
        for shift in sorted(shifts, key=lambda one: one.start_s):
            await self._time.sleep(shift.start_s + rng.uniform(0, shift.late_s) - self._time.mono_s())
            self._camera.take_out_of_dock()
            await self._time.sleep(shift.end_s + rng.uniform(0, shift.late_s) - self._time.mono_s())
            self._camera.put_in_dock()

    async def _record(self, activity: Wearer, who: str) -> None:
        rng = partial(self._recording_rng, who)
        for planned in activity.planned_recordings(rng, self._scenario.duration_s):
            await self._time.sleep(planned.after_s)
            self._press_to_start()
            await self._time.sleep(planned.length_s / 2)
            if planned.has_marker and planned.length_s > 2 * DOUBLE_S:  # else the hold would make it a double press
                self._mark()
            rest_s = FORGOTTEN_STOP_S if planned.forgets_stop else planned.length_s / 2
            if planned.is_stealth and rest_s > _STEALTH_TIME_S:
                rest_s -= await self._change_stealth(True)
            await self._time.sleep(rest_s)
            await self._hold_to_stop()
            await self._change_stealth(False)

    async def _change_stealth(self, is_on: bool) -> float:
        """Hold both buttons, unless that is so already or the camera is off. Returns the seconds that it took."""
        began_s = self._time.mono_s()
        if self._camera.is_on and self._camera.is_stealth is not is_on:
            await self._time.sleep(_PAUSE_S)
            await self._camera.hold_together(("event", "select"))
        return self._time.mono_s() - began_s

    def _recording_rng(self, who: str, number: int) -> random.Random:
        """One for each recording, not one for the day: it takes 2.5 KB, and there are thousands of wearers."""
        return self._streams.stream(self._camera.name, f"{who}, {number}")

    def _press_to_start(self) -> None:
        if self._camera.is_on and not self._camera.is_recording:
            self._camera.press(times=2)

    def _mark(self) -> None:
        if self._camera.is_recording:
            self._camera.press()

    async def _hold_to_stop(self) -> None:
        if self._camera.is_recording:
            await self._camera.hold()
