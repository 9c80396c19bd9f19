"""Control of a running fleet, as everything outside the run sees it: one interface, whatever the kind of time.

Implemented by `stepped.SteppedFleet` (cameras in this process) and `live_control.LiveControl` (cameras in workers).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from lapel_fleet.cameras.actions import Action
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.cameras.manual_control import ServicePort
from lapel_fleet.checkers.records import Case
from lapel_fleet.runs.run import Time
from lapel_fleet.scenario.faults import Fault


class FleetControl(Protocol):
    """Cameras are named `site/name`; each method raises ConfigError for a name that does not exist."""

    @property
    def time(self) -> Time:
        """`stepped` or `live`."""

    @property
    def agency(self) -> str:
        """First level of the cameras' topics after `lapel/v1`."""

    @property
    def broker_url(self) -> str:
        """The cameras' broker, without a password."""

    @property
    def names(self) -> Sequence[str]:
        """Every camera."""

    @property
    def now_s(self) -> float:
        """The cameras' time."""

    @property
    def faults(self) -> Mapping[int, Fault]:
        """The faults that were injected by hand and are active, by number; `at_s` is their start."""

    async def snapshots(self, names: Sequence[str]) -> Mapping[str, CameraSnapshot]:
        """The state of these cameras."""

    async def advance(self, seconds: float) -> list[str]:
        """Let time pass. Returns the cameras that still had unsent messages at the end. ConfigError in a live run."""

    async def act(self, action: Action) -> None:
        """Do something to a camera. Returns when it is done, and what the camera published is delivered. ConfigError
        for an impossible one.
        """

    async def until_state(self, name: str, state: str, within_s: float) -> None:
        """Return once the camera is in that state and has published it. LapelError after `within_s` of its time."""

    async def until_online(self, *names: str, limit_s: float) -> None:
        """Return once these are connected and have nothing left to send. LapelError after `limit_s` of real time."""

    async def attach(self, name: str) -> ServicePort:
        """Open a camera's console on a pseudo terminal. LapelError when it is open already."""

    async def detach(self, name: str) -> None:
        """Close it. Harmless when it is closed."""

    async def begin_fault(self, fault: Fault) -> int:
        """Inject a fault into the cameras that it names, or all. The returned number ends it."""

    async def end_fault(self, number: int) -> None:
        """End a fault. Harmless when it is over."""

    def note(self, subject: str, text: str) -> None:
        """Add a line to the run's trace: what was done by hand. `subject`: a camera, or `run`."""

    async def cases(self) -> list[Case]:
        """The actual and the received record of each camera so far."""


OpenControl = Callable[[FleetControl], AbstractAsyncContextManager[asyncio.Event]]
"""Gives others control of a run while the block runs. The event is set when one of them wants the run to end."""


@asynccontextmanager
async def no_control(run: FleetControl) -> AsyncIterator[asyncio.Event]:  # noqa: ARG001
    """The run is not controlled from outside."""
    yield asyncio.Event()
