"""A camera without body-worn devices, in virtual time: every part simulated, the evidence a real folder."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from evidence.recordings import SEALING
from lapel.camera import Camera
from lapel.config import load
from lapel.evidence.store import EvidenceStore
from lapel.hardware.devices import Devices
from lapel.hardware.interfaces import Retention, Storage
from lapel.live_view.live_view import LiveView
from lapel.offload_watch import OffloadParts
from lapel.policy.declarations import Declarations
from lapel.policy.profile import Profile
from lapel.settings import Settings
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from simulated_parts import RecordedIndicators, RecordingLink, VirtualFootage

Steps = Callable[["CameraHarness"], Coroutine[Any, Any, None]]
SHUTDOWN_REASON = "the test is over"


class CameraHarness:
    """The camera, its parts, and what it has written."""

    def __init__(
        self,
        clock: VirtualClock,
        root: Path,
        *,
        storage: Storage | None = None,
        flags: dict[tuple[str, str], Any] | None = None,
        settings: Settings | None = None,
        blind: bool = False,
        restarted_because: str = "",
        retention: Callable[[EvidenceStore], Retention] | None = None,
        profile: Profile | None = None,
        declarations: Declarations | None = None,
        offload: Callable[[EvidenceStore, VirtualClock], OffloadParts] | None = None,
    ) -> None:
        """`profile` and `declarations`: the policy, and what is declared. `blind`: the video source delivers nothing.
        `restarted_because`: why an earlier camera's place is taken. `retention`: makes what deletes recordings;
        `offload` what they leave by.
        """
        self.clock, self.root, self._restarted_because = clock, root, restarted_because
        self.config = load(flags={("prebuffer", "length_s"): 10, ("recording", "min_free_bytes"): 0, **(flags or {})})
        self.store = EvidenceStore(root, 0, sealing=lambda: SEALING)
        self.footage = VirtualFootage(clock, self.config.prebuffer.length_s)
        self.footage.blind = blind
        self.link, self.indicators = RecordingLink(), RecordedIndicators()
        self.settings = settings or Settings(self.config)
        self.live_view = LiveView(clock, "http://127.0.0.1:8091/home/cam-0001/")
        self.camera = Camera(
            self.config,
            clock=clock,
            footage=self.footage,
            storage=storage or self.store,
            devices=Devices(self.indicators),
            worker=InlineWorker(),
            link=self.link,
            rng=random.Random(7),
            session="s",
            settings=self.settings,
            time_zone="America/New_York",
            retention=retention(self.store) if retention else None,
            profile=profile,
            declarations=declarations,
            live_view=self.live_view,
            offload=offload(self.store, clock) if offload else None,
        )

    async def run(self, steps: Steps) -> None:
        """Switch the camera on, carry out `steps`, and shut it down."""
        running = asyncio.create_task(self.camera.run(self._restarted_because))
        try:
            await self.clock.sleep(0.1)
            await steps(self)
            self.camera.shut_down(SHUTDOWN_REASON)
            await running
        finally:
            running.cancel()
            self.store.close()

    def accounts(self) -> list[dict[str, Any]]:
        """Every `recording.json`, as a reader finds it."""
        return [json.loads(path.read_text()) for path in sorted(self.root.glob("*/recording.json"))]


def run_steps(root: Path, steps: Steps, **options: Any) -> CameraHarness:
    """A camera from power-on until it is off, in which `steps` are carried out."""

    async def program(clock: VirtualClock) -> CameraHarness:
        harness = CameraHarness(clock, root, **options)
        await harness.run(steps)
        return harness

    return run_virtual(program)


async def lose_power(harness: CameraHarness) -> None:
    """Steps that end in the middle of a recording: the program dies, and leaves the folder to the next one."""
    await harness.clock.sleep(5)
    harness.camera.press()
    await harness.clock.sleep(5)
    harness.store.close()
    raise ConnectionAbortedError("the power is lost")
