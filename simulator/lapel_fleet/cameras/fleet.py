"""The cameras of a run or of a part of it, with their wearers and the scenario's faults, in any kind of time."""

import asyncio
from collections.abc import Iterator, Sequence

from lapel.gestures import DOUBLE_S
from lapel.policy.profile import load_profile
from lapel_fleet.cameras import fault_injection
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.cameras.encounters import CameraEncounters
from lapel_fleet.cameras.environment import Environment
from lapel_fleet.cameras.fleet_snapshot import FleetSnapshot, merged_snapshots, snapshot_of
from lapel_fleet.cameras.wearer import CameraWearer
from lapel_fleet.checkers.records import ActualRecord
from lapel_fleet.scenario.faults import FAULTS, Fault, affected_cameras
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.jobs import JobGroup
from lapel_fleet.time.timelines import Timeline

RESOURCE_SAMPLES = 10
"""How often in a run each battery and storage card is sampled for the actual record."""
BATCH = 200
"""Cameras that are handled before other tasks of the event loop get their turn."""


class Fleet:
    """Simulated cameras by name. The randomness of each comes from the seed and its own name alone."""

    def __init__(
        self,
        scenario: Scenario,
        names: Sequence[str],
        streams: RandomStreams,
        environment: Environment,
        time: Timeline,
    ) -> None:
        """`names` are the cameras of this part of the run. Nothing runs before `power_on`."""
        self._scenario, self._streams, self._time = scenario, streams, time
        self._jobs = JobGroup(time)
        profile = load_profile(scenario.policy)
        self.cameras = {name: SimulatedCamera(name, scenario, streams, environment, profile) for name in names}

    def power_on(self) -> None:
        """Start every camera."""
        for camera in self.cameras.values():
            camera.power_on()

    def begin(self) -> None:
        """Begin the day: wearers act and faults are injected at their times."""
        self._jobs.start(self._sample_resources())
        for camera in self.cameras.values():
            for job in self._wearer(camera).jobs():
                self._jobs.start(job)
            if self._scenario.encounters:
                for job in CameraEncounters(camera, self._scenario, self._streams, self._time).jobs():
                    self._jobs.start(job)
        for number, fault in enumerate(self._scenario.faults):
            if FAULTS[fault.kind].on_camera:
                for name in affected_cameras(fault, number, self.cameras, self._streams):
                    self._jobs.start(self._inject(fault, self.cameras[name]))

    async def end(self) -> None:
        """End the day: faults end, and recordings are stopped."""
        await self._jobs.end()
        await self._time.sleep(2 * DOUBLE_S)  # the hold would make a marker set just now a double press
        recording = [one for one in self.cameras.values() if one.is_recording]
        await asyncio.gather(*(self._wearer(one).stop_last_recording() for one in recording))
        for camera in self.cameras.values():
            await camera.settled()

    def actual_records(self) -> list[ActualRecord]:
        """What really happened to each camera until now."""
        return [camera.finish_actual_record() for camera in self.cameras.values()]

    async def close(self) -> None:
        """Switch off and close every camera, in batches: each publishes that it goes offline."""
        for cameras in self._batches():
            await asyncio.gather(*map(_switch_off_and_close, cameras))

    def snapshot(self) -> FleetSnapshot:
        """The state of all cameras right now."""
        return snapshot_of(self.cameras.values())

    async def snapshot_in_batches(self) -> FleetSnapshot:
        """The same in batches, so that thousands of cameras do not block the event loop."""
        parts = []
        for cameras in self._batches():
            parts.append(snapshot_of(cameras))
            await asyncio.sleep(0)
        return merged_snapshots(parts)

    def _wearer(self, camera: SimulatedCamera) -> CameraWearer:
        return CameraWearer(camera, self._scenario, self._streams, self._time)

    def _batches(self) -> Iterator[list[SimulatedCamera]]:
        cameras = list(self.cameras.values())
        return (cameras[first : first + BATCH] for first in range(0, len(cameras), BATCH))

    async def _sample_resources(self) -> None:
        """From the beginning of the day on, and not at its end: a large fleet would be cut short there."""
        for _ in range(RESOURCE_SAMPLES):
            for cameras in self._batches():
                for camera in cameras:
                    camera.sample_resources()
                await asyncio.sleep(0)
            await self._time.sleep(self._scenario.duration_s / RESOURCE_SAMPLES)

    async def _inject(self, fault: Fault, camera: SimulatedCamera) -> None:
        await self._time.sleep(fault.at_s)
        end = await fault_injection.begin(fault, camera, self._time)
        try:
            await self._time.sleep(fault.for_s)
        finally:
            end()


async def _switch_off_and_close(camera: SimulatedCamera) -> None:
    await camera.switch_off()
    await camera.close()
