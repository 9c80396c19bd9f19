"""A camera with everything that a body-worn camera has, all of it simulated; in virtual time."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import fields
from typing import Any

from lapel.camera import Camera
from lapel.config import Config, load
from lapel.hardware.devices import Devices
from lapel.link.messages import StateMessage, Telemetry
from lapel.states import State
from lapel.worker import InlineWorker, Worker
from lapel_fleet.hardware.battery import SimulatedBattery
from lapel_fleet.hardware.dock import SimulatedDock
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.gps import SimulatedGps
from lapel_fleet.hardware.indicators import SimulatedIndicators
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.switches import SimulatedSwitches
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from simulated_parts import RecordingLink

Steps = Callable[["BodyWornHarness"], Coroutine[Any, Any, None]]


class BodyWornHarness:
    """The camera and its simulated devices. `steps` of a test begin 60 s after it was switched on."""

    def __init__(
        self,
        clock: VirtualClock,
        *,
        percent: float = 100.0,
        storage: Any = None,
        worker: Worker | None = None,
        config: Config | None = None,
        before_power_on: Callable[["BodyWornHarness"], None] = lambda _: None,
        flags: Mapping[tuple[str, str], Any] | None = None,
        **replaced: Any,
    ) -> None:
        """`percent`: of the battery's charge. `before_power_on` is called with it before it is switched on. `replaced`:
        devices of the camera and its other parts; one that is a function is called with the clock.
        """
        self.clock, self.link, self.indicators = clock, RecordingLink(), SimulatedIndicators()
        self.storage = storage or MemoryStorage()
        self.battery = SimulatedBattery(clock, random.Random(1), percent=percent)
        self.indicators.watchers.append(self.battery.set_state)
        self.dock, self.buttons = SimulatedDock(self.battery), SimulatedSwitches(clock)
        self.gps = SimulatedGps(clock, random.Random(2), "baltimore")
        before_power_on(self)
        self.footage = ComputedFootage(clock, 10.0, 8_000_000)
        self.config = config or load(flags={("recording", "min_free_bytes"): 0, **(flags or {})})
        parts: dict[str, Any] = {"switches": self.buttons, "battery": self.battery}
        parts |= {"dock": self.dock, "positioning": self.gps}
        parts |= {name: part(clock) if callable(part) else part for name, part in replaced.items()}
        devices = {field.name: parts.pop(field.name) for field in fields(Devices) if field.name in parts}
        self.camera = Camera(
            self.config,
            clock=clock,
            footage=self.footage,
            storage=self.storage,
            devices=Devices(self.indicators, **devices),
            worker=worker or InlineWorker(),
            link=self.link,
            rng=random.Random(7),
            session="s",
            **parts,
        )

    async def run(self, steps: Steps) -> None:
        """Switch the camera on, carry out `steps` after a minute, and shut it down."""
        running = asyncio.create_task(self.camera.run())
        try:
            await self.clock.sleep(60)
            await steps(self)
            self.camera.shut_down("the test is over")
            await running
        finally:
            running.cancel()

    @property
    def state(self) -> State:
        return self.camera.status().state

    async def start_recording(self) -> None:
        """The wearer presses twice."""
        self.buttons.press("event", times=2)
        await self.clock.sleep(5)
        assert self.state is State.RECORDING

    def count(self, indication: str) -> int:
        """How often this was indicated so far: `signals recording`, `shows dark`."""
        return self.indicators.history.count(indication)

    def telemetry(self) -> Telemetry:
        """The newest telemetry message."""
        return [message for message in self.link.published if isinstance(message, Telemetry)][-1]

    def flags(self) -> list[str]:
        """The flags of the newest state message."""
        return [message for message in self.link.published if isinstance(message, StateMessage)][-1].flags


def run_steps(steps: Steps, **options: Any) -> BodyWornHarness:
    """A camera from power-on until it is off, in which `steps` are carried out."""

    async def program(clock: VirtualClock) -> BodyWornHarness:
        harness = BodyWornHarness(clock, **options)
        await harness.run(steps)
        return harness

    return run_virtual(program)
