"""The cameras of a run, or of a shard of it: who wears them, and what goes wrong with them, in any kind of time."""

import asyncio
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from lapel.gestures import DOUBLE_S
from lapel_fleet.cameras import fault_injection
from lapel_fleet.cameras.camera import Environment, SimulatedCamera
from lapel_fleet.checkers.records import ActualRecord
from lapel_fleet.runs.measurement.samples import Percents, merged_counts
from lapel_fleet.scenario.faults import FAULTS, Fault, affected_cameras
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario, Shift
from lapel_fleet.scenario.wearer import Wearer
from lapel_fleet.time.jobs import JobGroup
from lapel_fleet.time.timelines import Timeline

FORGOTTEN_S = 3600.0
"""A recording that its wearer forgot goes on for an hour longer."""
LOOKS = 10
"""How often in a run it is put on record how full batteries and cards are."""
AT_ONCE = 200
"""So many cameras are dealt with before others get their turn."""
STOPPING_S, STOPPING_SHARE = 30.0, 0.05
"""So long, or that share of a short day, those who still record at its end take to stop: a thousand cameras that save
their clips in one moment hold each other up.
"""


class FleetSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """How cameras stand right now."""

    states: dict[str, dict[str, int]]
    """How many are in which state, by site."""
    online: int
    """Those in touch with the broker, with no event waiting."""
    batteries: Percents
    storage: Percents
    """Used, of each card."""
    memory_bytes: int = 0
    """That they take, beyond what their process did without them."""
    lags_s: list[float] = []
    """How late their event loop was since the last look, where time is real."""

    @property
    def total(self) -> Mapping[str, int]:
        """How many are in which state."""
        return merged_counts(self.states.values())


def _snapshot(cameras: Iterable[SimulatedCamera]) -> FleetSnapshot:
    states: dict[str, dict[str, int]] = {}
    online, charges, used = 0, [], []
    for one in cameras:
        counts, state = states.setdefault(one.name.partition("/")[0], {}), one.state
        counts[state] = counts.get(state, 0) + 1
        online += one.is_in_touch
        charges.append(one.battery.charge().percent)
        used.append(100 * one.card_used_share)
    return FleetSnapshot(states=states, online=online, batteries=Percents.of(charges), storage=Percents.of(used))


def together(glances: Sequence[FleetSnapshot]) -> FleetSnapshot:
    """Several as one."""
    sites = dict.fromkeys(site for one in glances for site in one.states)
    return FleetSnapshot(
        states={site: merged_counts(one.states.get(site, {}) for one in glances) for site in sites},
        online=sum(one.online for one in glances),
        batteries=Percents.merged(one.batteries for one in glances),
        storage=Percents.merged(one.storage for one in glances),
        memory_bytes=sum(one.memory_bytes for one in glances),
        lags_s=[lag_s for one in glances for lag_s in one.lags_s],
    )


async def _ended(camera: SimulatedCamera) -> None:
    await camera.switch_off()
    await camera.close()


class Fleet:
    """Simulated cameras by name. Each draws its chance from the seed and its own name alone."""

    def __init__(
        self,
        scenario: Scenario,
        names: Sequence[str],
        streams: RandomStreams,
        environment: Environment,
        time: Timeline,
    ) -> None:
        """`names` are this shard's cameras. Nothing runs before `power_on`."""
        self._scenario, self._streams, self._time = scenario, streams, time
        self._jobs = JobGroup(time)
        self.cameras = {name: SimulatedCamera(name, scenario, streams, environment) for name in names}

    def power_on(self) -> None:
        """Every camera starts."""
        for camera in self.cameras.values():
            camera.power_on()

    def begin(self) -> None:
        """The day begins: wearers wear, faults happen in their time."""
        self._jobs.start(self._look())
        for name, camera in self.cameras.items():
            if shifts := [one for one in self._scenario.shifts if one.includes(name)]:
                self._jobs.start(self._come_and_go(camera, shifts, self._streams.stream(name, "shift")))
            for number, wearer in enumerate(self._scenario.wearers):
                self._jobs.start(self._wear(camera, wearer, f"wearer {number}"))
        for number, fault in enumerate(self._scenario.faults):
            if FAULTS[fault.kind].on_camera:
                for name in affected_cameras(fault, number, self.cameras, self._streams):
                    self._jobs.start(self._go_wrong(fault, self.cameras[name]))

    async def end(self) -> None:
        """The day is over: what went wrong is mended, and nobody records any longer."""
        await self._jobs.end()
        await self._time.sleep(2 * DOUBLE_S)  # a marker set just now would make half a double press of the hold
        await asyncio.gather(*(self._stop(one) for one in self.cameras.values() if one.is_recording))
        for camera in self.cameras.values():
            await camera.settled()

    async def _stop(self, camera: SimulatedCamera) -> None:
        most_s = min(STOPPING_S, STOPPING_SHARE * self._scenario.duration_s)
        await self._time.sleep(self._streams.stream(camera.name, "end").uniform(0.0, most_s))
        await camera.hold_to_stop()

    def actual_records(self) -> list[ActualRecord]:
        """What is true of each now."""
        return [camera.finish_actual_record() for camera in self.cameras.values()]

    async def close(self) -> None:
        """The run is over: what still runs is ended in order, many cameras at a time, as each says goodbye."""
        for cameras in self._turns():
            await asyncio.gather(*map(_ended, cameras))

    def snapshot(self) -> FleetSnapshot:
        """How they stand right now."""
        return together([_snapshot(self.cameras.values())])

    async def snapshot_in_turns(self) -> FleetSnapshot:
        """The same, a few cameras at a time, so that thousands of them do not hold up the event loop."""
        parts = []
        for cameras in self._turns():
            parts.append(_snapshot(cameras))
            await asyncio.sleep(0)
        return together(parts)

    def _turns(self) -> Iterator[list[SimulatedCamera]]:
        cameras = list(self.cameras.values())
        return (cameras[first : first + AT_ONCE] for first in range(0, len(cameras), AT_ONCE))

    async def _look(self) -> None:
        while True:
            for cameras in self._turns():
                for camera in cameras:
                    camera.look()
                await asyncio.sleep(0)
            await self._time.sleep(self._scenario.duration_s / LOOKS)

    async def _come_and_go(self, camera: SimulatedCamera, shifts: Sequence[Shift], rng: random.Random) -> None:
        """Out of the dock when a shift begins and back when it ends, each a little late."""
        camera.put_in_dock()
        for shift in sorted(shifts, key=lambda one: one.start_s):
            await self._time.sleep(shift.start_s + rng.uniform(0, shift.late_s) - self._time.mono_s())
            camera.take_out_of_dock()
            await self._time.sleep(shift.end_s + rng.uniform(0, shift.late_s) - self._time.mono_s())
            camera.put_in_dock()

    async def _wear(self, camera: SimulatedCamera, wearer: Wearer, who: str) -> None:
        for planned in wearer.planned_recordings(partial(self._rng, camera.name, who), self._scenario.duration_s):
            await self._time.sleep(planned.after_s)
            camera.press_to_start()
            await self._time.sleep(planned.length_s / 2)
            if planned.has_marker and planned.length_s > 2 * DOUBLE_S:  # else half of a double press, with the hold
                camera.mark()
            await self._time.sleep(FORGOTTEN_S if planned.forgets_stop else planned.length_s / 2)
            await camera.hold_to_stop()

    def _rng(self, name: str, who: str, number: int) -> random.Random:
        """For an planned, not for the day: it takes 2.5 KB, and there are thousands of wearers."""
        return self._streams.stream(name, f"{who}, {number}")

    async def _go_wrong(self, fault: Fault, camera: SimulatedCamera) -> None:
        await self._time.sleep(fault.at_s)
        end = await fault_injection.begin(fault, camera, self._time)
        try:
            await self._time.sleep(fault.for_s)
        finally:
            end()
