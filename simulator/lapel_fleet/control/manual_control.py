"""Somebody's hand on the cameras of a fleet: what is done to them that no scenario said."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import get_args

import msgspec

from lapel.clock import SystemClock
from lapel.config import meant
from lapel.errors import ConfigError
from lapel.hardware.interfaces import ButtonName
from lapel.states import State
from lapel_fleet.cameras import fault_injection
from lapel_fleet.cameras.camera import CameraSnapshot, SimulatedCamera
from lapel_fleet.hardware.buttons import HELD_S
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Fault
from lapel_fleet.time.clocks import Timeline

_NAMED = 20
"""Nobody reads more names than that in an error."""
_MOST_PRESSES = 10


def check_button(button: str, times: int = 1, seconds: float = 0.0) -> None:
    """Raise ConfigError when nobody can press it so."""
    if button not in get_args(ButtonName):
        raise ConfigError(f"there is no button {button}{meant(button, get_args(ButtonName))}")
    if not 1 <= times <= _MOST_PRESSES:
        raise ConfigError(f"times = {times}: a button is pressed from 1 to {_MOST_PRESSES} times at once")
    if not 0 <= seconds < math.inf:
        raise ConfigError(f"seconds = {seconds:g}: a button is held for 0 seconds or more")


def check_fault(fault: Fault, names: Collection[str]) -> None:
    """Raise ConfigError when `fault` is not for cameras, or not for any of `names`."""
    if fault.kind in fault_injection.OF_THE_CONTROL_ROOM:
        raise ConfigError(f"{fault.kind}: is not for a camera; stop your broker, or send the command yourself")
    for name in fault.cameras:
        check_name(name, names)
    sites = list(dict.fromkeys(name.partition("/")[0] for name in names))
    for site in fault.sites:
        if site not in sites:
            raise ConfigError(f"{fault.kind}: there is no site {site}{meant(site, sites)}")


def check_name(name: str, names: Collection[str]) -> None:
    """Raise ConfigError when the camera is none of `names`."""
    if name not in names:
        raise ConfigError(f"there is no camera {name}{meant(name, list(names)[:_NAMED])}")


def check_state(state: str) -> None:
    """Raise ConfigError when no camera is ever in it."""
    if state not in (known := [one.value for one in State]):
        raise ConfigError(f"{state}: no camera is ever that{meant(state, known)}")


def not_online(name: str, look: CameraSnapshot, limit_s: float) -> str:
    """The end of waiting for a camera."""
    return f"{name} did not come online within {limit_s:g} s" + (f": {look.trouble}" if look.trouble else "")


class ManualFaults:
    """The faults that somebody asked for, by number, and when each was on."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s, self._numbers = now_s, count(1)
        self.now: dict[int, Fault] = {}
        """Those that are on."""
        self._over: list[Fault] = []

    @property
    def ever(self) -> list[Fault]:
        """All that there were, with their times."""
        return sorted([*self._over, *map(self._until_now, self.now.values())], key=lambda one: one.at_s)

    def number(self) -> int:
        """One that none has yet."""
        return next(self._numbers)

    def began(self, number: int, fault: Fault) -> None:
        """It is on."""
        self.now[number] = msgspec.structs.replace(fault, at_s=self._now_s())

    def ended(self, number: int) -> None:
        """It is over. Harmless when it is."""
        if number in self.now:
            self._over.append(self._until_now(self.now.pop(number)))

    def _until_now(self, fault: Fault) -> Fault:
        return msgspec.structs.replace(fault, for_s=self._now_s() - fault.at_s)


class ServicePort(msgspec.Struct, frozen=True, kw_only=True):
    """A camera's console, open to a technician."""

    path: str
    """Of the pseudo terminal."""
    role: str
    secret: str
    """Lets that role in, once."""


class ManualControl:
    """On the cameras of one process. Nothing here waits for time to pass; who goes on with it decides when."""

    def __init__(
        self, cameras: Mapping[str, SimulatedCamera], streams: RandomStreams, time: Timeline, speed: float = 1.0
    ) -> None:
        """`speed`: how fast `time` goes, beside real time; at a console somebody lives in that."""
        self._cameras, self._streams, self._time, self._speed = cameras, streams, time, speed
        self._consoles: dict[str, contextlib.AsyncExitStack] = {}
        self._faults: dict[int, contextlib.ExitStack] = {}
        self._holding: set[asyncio.Task[None]] = set()

    def camera(self, name: str) -> SimulatedCamera:
        """Raises ConfigError when there is none of that name."""
        check_name(name, self._cameras)
        return self._cameras[name]

    def press(self, name: str, button: ButtonName = "event", times: int = 1) -> None:
        """Press a button; twice at once starts a recording."""
        check_button(button, times)
        self.camera(name).press(button, times)

    def hold(self, name: str, button: ButtonName = "event", seconds: float = HELD_S) -> "asyncio.Task[None]":
        """Begin to hold a button, for so much time; three seconds end a recording. What is returned ends with it."""
        check_button(button, seconds=seconds)
        holding = asyncio.create_task(self.camera(name).hold(button, seconds), name=f"{name} is held")
        self._holding.add(holding)
        holding.add_done_callback(self._holding.discard)
        return holding

    async def begin_fault(self, number: int, fault: Fault) -> None:
        """Let it happen to those that it names, or to all; of these, to the share that it has, drawn from the seed."""
        with contextlib.ExitStack() as begun:  # what has begun is ended when the rest cannot
            for name, camera in self._cameras.items():
                if fault.meets(name, self._streams.stream(name, f"asked {number}")):
                    begun.callback(await fault_injection.begin(fault, camera, self._time))
            self._faults[number] = begun.pop_all()

    def end_fault(self, number: int) -> None:
        """It is over. Harmless when it is."""
        self._faults.pop(number, contextlib.ExitStack()).close()

    async def attach(self, name: str) -> ServicePort:
        """Open its console on a pseudo terminal. Raises ConsoleError when somebody is there already."""
        from lapel.console.shell import IDLE_S  # a console costs more than thousands of cameras that have none
        from lapel.hardware.desktop.pty import PtyLine
        from lapel_fleet.cameras.console import SimulatedConsole

        camera = self.camera(name)
        async with contextlib.AsyncExitStack() as opened:
            line = opened.enter_context(contextlib.closing(PtyLine(SystemClock())))
            console = SimulatedConsole(camera, line, idle_s=IDLE_S * self._speed)
            await opened.enter_async_context(console)
            self._consoles[name] = opened.pop_all()
        return ServicePort(path=line.path, role="service", secret=console.let_in_once())

    async def detach(self, name: str) -> None:
        """Close it. Harmless when it is."""
        await self._consoles.pop(name, contextlib.AsyncExitStack()).aclose()

    async def let_go(self) -> None:
        """Nobody is there any more: buttons are released, consoles closed, and what went wrong is mended."""
        for name in list(self._consoles):
            await self.detach(name)
        for number in list(self._faults):
            self.end_fault(number)
        holding = list(self._holding)
        for task in holding:
            task.cancel()
        if holding:
            await asyncio.wait(holding)
