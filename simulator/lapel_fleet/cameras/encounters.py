"""What one camera's wearer does in the encounters of a run, and what a sensor does there."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.checkers.records import Encounter
from lapel_fleet.scenario.encounters import PlannedEncounter, planned_encounters
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.timelines import Timeline

_ANSWER_AFTER_S = 0.8
"""After a gesture, before the second one that the camera asks for: more than the pause inside a double press."""
_LAST_STOP_AFTER_S = 1.0
"""After the end of an encounter, when nothing is declared any more."""
_Step = tuple[float, Callable[[], Awaitable[None]]]


class CameraEncounters:
    """Meets the encounters of one camera, in order. What the dispatcher does there comes from `runs.traffic`."""

    __slots__ = ("_camera", "_planned", "_time")

    def __init__(self, camera: SimulatedCamera, scenario: Scenario, streams: RandomStreams, time: Timeline) -> None:
        self._camera, self._time = camera, time
        self._planned = planned_encounters(scenario.encounters, camera.name, streams, scenario.duration_s)

    def jobs(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What is to be run during the day, side by side with what else the wearer does."""
        yield self._meet_all()

    async def _meet_all(self) -> None:
        began_s = self._time.mono_s()
        for planned in self._planned:
            for at_s, act in sorted(self._steps(planned, began_s), key=lambda step: step[0]):
                await self._time.sleep(began_s + at_s - self._time.mono_s())
                await act()

    def _steps(self, one: PlannedEncounter, began_s: float) -> Iterator[_Step]:
        if one.kind.declared_by == "wearer":
            yield one.declared_s, lambda: self._declare(one)
        yield one.begins_s, lambda: self._begin(one, began_s)
        if one.wearer_s is not None:
            yield one.wearer_s, lambda: self._start(attests=one.attests_start)
        if one.sensor_s is not None:
            yield one.sensor_s, lambda: self._fire(one)
        if one.early_stop_s is not None:
            yield one.early_stop_s, lambda: self._stop(confirms=one.attests_stop)
        yield one.ends_s + _LAST_STOP_AFTER_S, lambda: self._end(one)

    async def _declare(self, one: PlannedEncounter) -> None:
        for what in one.kind.declared:
            await self._camera.declare(what, one.lasts_s)

    async def _begin(self, one: PlannedEncounter, began_s: float) -> None:
        self._camera.actual.encounters.append(
            Encounter(
                one.number, one.kind.title, tuple(one.kind.declared), began_s + one.begins_s, began_s + one.ends_s
            )
        )
        if one.kind.place is not None:
            self._camera.gps.stay_at(one.kind.place.latitude, one.kind.place.longitude)

    async def _start(self, *, attests: bool) -> None:
        if not self._camera.is_on or self._camera.is_recording:
            return
        self._camera.press(times=2)
        await self._time.sleep(_ANSWER_AFTER_S)
        if attests and self._camera.is_asked:
            self._camera.press()
            await self._time.sleep(_ANSWER_AFTER_S)  # a sensor that fires meanwhile comes after the press

    async def _fire(self, one: PlannedEncounter) -> None:
        self._camera.activate_trigger(one.kind.trigger)

    async def _stop(self, *, confirms: bool) -> None:
        """Hold, and once more where the camera goes on because it asks."""
        if not self._camera.is_recording:
            return
        await self._camera.hold()
        await self._time.sleep(_ANSWER_AFTER_S)
        if confirms and self._camera.is_recording:
            await self._camera.hold()

    async def _end(self, one: PlannedEncounter) -> None:
        if one.sensor_s is not None:
            self._camera.triggers.release(one.kind.trigger)
        if one.kind.place is not None:
            self._camera.gps.walk_on()
        await self._stop(confirms=True)
