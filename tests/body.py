"""A camera with everything that a body-worn camera has, all of it simulated; in virtual time."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from lapel.camera import Camera
from lapel.config import load
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
from parts import RecordingLink

Story = Callable[["Body"], Coroutine[Any, Any, None]]


class Body:
    """A camera, and the hands and the weather around it."""

    def __init__(
        self,
        clock: VirtualClock,
        *,
        percent: float = 100.0,
        storage: Any = None,
        worker: Worker | None = None,
        first: Callable[["Body"], None] = lambda _: None,
    ) -> None:
        """`first` is done to it before it is switched on."""
        self.clock, self.link, self.indicators = clock, RecordingLink(), SimulatedIndicators()
        self.storage = storage or MemoryStorage()
        self.battery = SimulatedBattery(clock, random.Random(1), percent=percent)
        self.indicators.watchers.append(self.battery.set_state)
        self.dock, self.buttons = SimulatedDock(self.battery), SimulatedSwitches(clock)
        self.gps = SimulatedGps(clock, random.Random(2), "baltimore")
        first(self)
        self.footage = ComputedFootage(clock, 10.0, 8_000_000)
        self.config = load(flags={("recording", "min_free_bytes"): 0})
        self.camera = Camera(
            self.config,
            clock=clock,
            footage=self.footage,
            storage=self.storage,
            worker=worker or InlineWorker(),
            link=self.link,
            rng=random.Random(7),
            session="s",
            indicators=self.indicators,
            switches=self.buttons,
            battery=self.battery,
            dock=self.dock,
            positioning=self.gps,
        )

    async def live(self, story: Story) -> None:
        life = asyncio.create_task(self.camera.run())
        try:
            await self.clock.sleep(60)
            await story(self)
            self.camera.shut_down("the story is over")
            await life
        finally:
            life.cancel()

    @property
    def state(self) -> State:
        return self.camera.status().state

    async def start(self) -> None:
        self.buttons.press("event", times=2)
        await self.clock.sleep(5)
        assert self.state is State.RECORDING

    def told(self, what: str) -> int:
        return self.indicators.history.count(what)

    def telemetry(self) -> Telemetry:
        return [one for one in self.link.said if isinstance(one, Telemetry)][-1]

    def flags(self) -> list[str]:
        return [one for one in self.link.said if isinstance(one, StateMessage)][-1].flags


def play(story: Story, **keys: Any) -> Body:
    async def program(clock: VirtualClock) -> Body:
        body = Body(clock, **keys)
        await body.live(story)
        return body

    return run_virtual(program)
