"""A run as somebody outside sees it, in any kind of time that he can keep up with."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from lapel.hardware.interfaces import ButtonName
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.checkers.records import Case
from lapel_fleet.control.manual_control import ServicePort
from lapel_fleet.runs.run import Time
from lapel_fleet.scenario.scenario import Fault


class FleetControl(Protocol):
    """Cameras are called `site/name`; each method raises ConfigError where there is none of that name."""

    @property
    def time(self) -> Time:
        """`stepped` or `live`."""

    @property
    def agency(self) -> str:
        """Who answers for the cameras."""

    @property
    def broker_url(self) -> str:
        """Where they speak, without anybody's password."""

    @property
    def names(self) -> Sequence[str]:
        """Every camera."""

    @property
    def now_s(self) -> float:
        """The cameras' time."""

    @property
    def faults(self) -> Mapping[int, Fault]:
        """What goes wrong because somebody wanted it, by its number; `at_s` says since when."""

    async def snapshots(self, names: Sequence[str]) -> Mapping[str, CameraSnapshot]:
        """How these stand."""

    async def advance(self, seconds: float) -> list[str]:
        """Let so much time pass. Who still had something left to say in the end. ConfigError where time is real."""

    async def press(self, name: str, button: ButtonName, times: int) -> None:
        """Somebody presses a button; twice at once starts a recording."""

    async def hold(self, name: str, button: ButtonName, seconds: float) -> None:
        """Somebody holds a button, while so much time passes."""

    async def until_state(self, name: str, state: str, within_s: float) -> None:
        """Return once the camera is in that state and has said so. LapelError when it never is in the cameras' time."""

    async def until_online(self, *names: str, limit_s: float) -> None:
        """Return once these have said all that they had to say. LapelError when that does not come in real time."""

    async def attach(self, name: str) -> ServicePort:
        """Open its console on a pseudo terminal. A LapelError when it is open already."""

    async def detach(self, name: str) -> None:
        """Close it. Harmless when it is."""

    async def begin_fault(self, fault: Fault) -> int:
        """Let it happen to the cameras that it names, or to all. What is returned ends it."""

    async def end_fault(self, number: int) -> None:
        """It is over. Harmless when it is."""

    async def cases(self) -> list[Case]:
        """What is true of each camera now, and what was heard of it."""


OpenControl = Callable[[FleetControl], AbstractAsyncContextManager[asyncio.Event]]
"""Lets somebody steer a run while the block runs. The event is set when he wants the end."""


@asynccontextmanager
async def nobody(run: FleetControl) -> AsyncIterator[asyncio.Event]:  # noqa: ARG001
    """Nobody steers."""
    yield asyncio.Event()
