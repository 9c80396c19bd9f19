"""Manual control of the cameras in this process: actions, faults and consoles that no scenario mentions."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from itertools import count

import msgspec

from lapel.clock import SystemClock
from lapel.config import meant
from lapel.errors import ConfigError
from lapel.states import State
from lapel_fleet.cameras import fault_injection
from lapel_fleet.cameras.actions import Action
from lapel_fleet.cameras.camera import CameraSnapshot, SimulatedCamera
from lapel_fleet.scenario.faults import FAULTS, Fault
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.time.timelines import Timeline

_SUGGESTED_NAMES = 20
"""At most so many camera names are listed in an error."""


def check_fault(fault: Fault, names: Collection[str]) -> None:
    """Raise ConfigError when `fault` is not for cameras, or not for any of `names`."""
    if not FAULTS[fault.kind].on_camera:
        raise ConfigError(f"{fault.kind}: does not apply to a camera; stop your broker, or send the command yourself")
    for name in fault.cameras:
        check_name(name, names)
    sites = list(dict.fromkeys(name.partition("/")[0] for name in names))
    for site in fault.sites:
        if site not in sites:
            raise ConfigError(f"{fault.kind}: there is no site {site}{meant(site, sites)}")


def check_name(name: str, names: Collection[str]) -> None:
    """Raise ConfigError when `name` is none of `names`."""
    if name not in names:
        raise ConfigError(f"there is no camera {name}{meant(name, list(names)[:_SUGGESTED_NAMES])}")


def check_state(state: str) -> None:
    """Raise ConfigError when there is no such state."""
    if state not in (known := [one.value for one in State]):
        raise ConfigError(f"{state}: no camera is ever that{meant(state, known)}")


def not_online(name: str, snapshot: CameraSnapshot, limit_s: float) -> str:
    """The error after waiting in vain for a camera."""
    return f"{name} did not come online within {limit_s:g} s" + (f": {snapshot.trouble}" if snapshot.trouble else "")


class ManualFaults:
    """Faults injected by hand: which are active, by number, and when each was."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s, self._numbers = now_s, count(1)
        self.active: dict[int, Fault] = {}
        self._ended: list[Fault] = []

    @property
    def all(self) -> list[Fault]:
        """Every fault so far, with its start and length, by start."""
        return sorted([*self._ended, *map(self._until_now, self.active.values())], key=lambda one: one.at_s)

    def new_number(self) -> int:
        """A number that no fault has yet."""
        return next(self._numbers)

    def begin(self, number: int, fault: Fault) -> None:
        """`fault` is active from now on."""
        self.active[number] = msgspec.structs.replace(fault, at_s=self._now_s())

    def end(self, number: int) -> None:
        """It is no longer active. Harmless when it was not."""
        if number in self.active:
            self._ended.append(self._until_now(self.active.pop(number)))

    def _until_now(self, fault: Fault) -> Fault:
        return msgspec.structs.replace(fault, for_s=self._now_s() - fault.at_s)


class ServicePort(msgspec.Struct, frozen=True, kw_only=True):
    """A camera's console, open to a technician."""

    path: str
    """Of the pseudo terminal."""
    role: str
    secret: str
    """For one login with that role."""


class ManualControl:
    """Acts on the cameras of one process. It never waits for time to pass; the caller advances or waits."""

    def __init__(
        self, cameras: Mapping[str, SimulatedCamera], streams: RandomStreams, time: Timeline, speed: float = 1.0
    ) -> None:
        """`speed`: of `time`, relative to real time, in which a technician at a console lives."""
        self._cameras, self._streams, self._time, self._speed = cameras, streams, time, speed
        self._consoles: dict[str, contextlib.AsyncExitStack] = {}
        self._faults: dict[int, contextlib.ExitStack] = {}
        self._performing: set[asyncio.Task[None]] = set()

    def camera(self, name: str) -> SimulatedCamera:
        """Raises ConfigError when there is none of that name."""
        check_name(name, self._cameras)
        return self._cameras[name]

    def begin(self, action: Action) -> "asyncio.Task[None]":
        """Begin an action. The returned task ends when it is done. Raises ConfigError."""
        action.check()
        camera = self.camera(action.camera)
        task = asyncio.create_task(action.perform(camera), name=f"{action.camera}: {type(action).__name__}")
        self._performing.add(task)
        task.add_done_callback(self._performing.discard)
        return task

    async def begin_fault(self, number: int, fault: Fault) -> None:
        """Inject a fault into the cameras that it names, or all; of these, into its share, drawn from the seed."""
        with contextlib.ExitStack() as begun:  # what has begun is ended when the rest cannot
            for name, camera in self._cameras.items():
                if fault.affects(name, self._streams.stream(name, f"asked {number}")):
                    begun.callback(await fault_injection.begin(fault, camera, self._time))
            self._faults[number] = begun.pop_all()

    def end_fault(self, number: int) -> None:
        """End a fault. Harmless when it is over."""
        self._faults.pop(number, contextlib.ExitStack()).close()

    async def attach(self, name: str) -> ServicePort:
        """Open a camera's console on a pseudo terminal. Raises ConsoleError when it is open already."""
        from lapel.console.shell import IDLE_S  # a console costs more than thousands of cameras without one
        from lapel.hardware.desktop.pty import PtyLine
        from lapel_fleet.cameras.console import SimulatedConsole

        camera = self.camera(name)
        async with contextlib.AsyncExitStack() as opened:
            line = opened.enter_context(contextlib.closing(PtyLine(SystemClock())))
            console = SimulatedConsole(camera, line, idle_s=IDLE_S * self._speed)
            await opened.enter_async_context(console)
            self._consoles[name] = opened.pop_all()
        return ServicePort(path=line.path, role="service", secret=console.allow_login_once())

    async def detach(self, name: str) -> None:
        """Close a camera's console. Harmless when it is closed."""
        await self._consoles.pop(name, contextlib.AsyncExitStack()).aclose()

    async def release(self) -> None:
        """Release buttons, close consoles and end faults."""
        for name in list(self._consoles):
            await self.detach(name)
        for number in list(self._faults):
            self.end_fault(number)
        performing = list(self._performing)
        for task in performing:
            task.cancel()
        if performing:
            await asyncio.wait(performing)
