"""What a test, a user or a script can do to one camera of a running fleet. One struct per action.

A new action is a new struct here, listed in `ACTIONS`. From the structs come the requests on the control socket (their
tag is the request's `do`), the commands of `lapel-fleet`, what goes to worker processes, and the documentation; the
methods of the pytest plugin's cameras come from `CameraActions`.
"""

import math
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Concatenate, Generic, ParamSpec, Protocol, get_args, overload

import msgspec
from msgspec import Meta

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel.hardware.interfaces import ButtonName
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.hardware.switches import HELD_S

_MOST_PRESSES = 10
_DAY_S = 86_400.0
CameraName = Annotated[str, Meta(max_length=300)]
PersonName = Annotated[str, Meta(max_length=64)]


class _OnCamera(msgspec.Struct, tag_field="do", forbid_unknown_fields=True, frozen=True):
    camera: CameraName


class Action(_OnCamera, frozen=True, kw_only=True):
    """Something done to one camera. `camera` is `site/name`."""

    by: PersonName = ""
    """Who does it, for the run's trace."""

    @property
    def lasts_s(self) -> float:
        """Seconds of the cameras' time until it is done."""
        return 0.0

    def check(self) -> None:
        """Raise ConfigError when it is impossible, whatever the camera."""

    async def perform(self, camera: SimulatedCamera) -> None:
        """Do it to `camera`. Takes `lasts_s` of the cameras' time."""
        raise NotImplementedError


class Press(Action, tag="press", frozen=True):
    """Press a button; twice at once starts a recording."""

    button: ButtonName = "event"
    times: int = 1
    """How many times at once, 1 to 10."""

    def check(self) -> None:
        """Raise ConfigError for an unknown button or an impossible number of presses."""
        _check_button(self.button)
        if not 1 <= self.times <= _MOST_PRESSES:
            raise ConfigError(f"times = {self.times}: a button can be pressed 1 to {_MOST_PRESSES} times at once")

    async def perform(self, camera: SimulatedCamera) -> None:
        """See `Action.perform`."""
        camera.press(self.button, self.times)


class Hold(Action, tag="hold", frozen=True):
    """Hold a button; three seconds end a recording. Answered when it is released."""

    button: ButtonName = "event"
    seconds: Annotated[float, Meta(ge=0, le=_DAY_S)] = HELD_S
    """How long, in the cameras' time."""

    @property
    def lasts_s(self) -> float:
        """See `Action.lasts_s`."""
        return self.seconds

    def check(self) -> None:
        """Raise ConfigError for an unknown button or an impossible time."""
        _check_button(self.button)
        if not 0 <= self.seconds < math.inf:
            raise ConfigError(f"seconds = {self.seconds:g}: a button can be held for 0 seconds or more")

    async def perform(self, camera: SimulatedCamera) -> None:
        """See `Action.perform`."""
        await camera.hold(self.button, self.seconds)


class SwapBattery(Action, tag="swap-battery", frozen=True):
    """Replace the battery by a full one; the camera loses its power for a moment and starts again."""

    async def perform(self, camera: SimulatedCamera) -> None:
        """See `Action.perform`."""
        await camera.swap_battery()


class Dock(Action, tag="dock", frozen=True):
    """Put the camera into its dock, as soon as there is a free bay; a recording ends first."""

    async def perform(self, camera: SimulatedCamera) -> None:
        """See `Action.perform`."""
        camera.put_in_dock()


class Undock(Action, tag="undock", frozen=True):
    """Take the camera out of its dock."""

    async def perform(self, camera: SimulatedCamera) -> None:
        """See `Action.perform`."""
        camera.take_out_of_dock()


ACTIONS: tuple[type[Action], ...] = (Press, Hold, SwapBattery, Dock, Undock)


def action_text(action: Action) -> str:
    """An action in a line of the trace: `press button=event times=2`."""
    values = {name: getattr(action, name) for name in action.__struct_fields__ if name not in ("camera", "by")}
    return " ".join([str(action.__struct_config__.tag), *(f"{name}={value}" for name, value in values.items())])


def _check_button(button: str) -> None:
    """A test that no type checker has seen may name any button."""
    if button not in get_args(ButtonName):
        raise ConfigError(f"there is no button {button}{suggestion(button, get_args(ButtonName))}")


# -- the methods of a camera's handles ---------------------------------------------------------------------------------

P = ParamSpec("P")


class Blocking(Protocol):
    """A handle whose methods return when they are done."""

    name: str

    def act(self, action: Action) -> None:
        """Do it, and wait."""


class Awaitable(Protocol):
    """A handle whose methods are awaited."""

    name: str

    def act_async(self, action: Action) -> Coroutine[Any, Any, None]:
        """Do it."""


class _Method(Generic[P]):
    """A method that makes an action with the handle's camera, and passes it to the handle."""

    def __init__(self, action: Callable[Concatenate[str, P], Action]) -> None:
        self._action = action
        self.__doc__ = action.__doc__

    @overload
    def __get__(self, handle: Blocking, owner: Any = None) -> Callable[P, None]: ...
    @overload
    def __get__(self, handle: Awaitable, owner: Any = None) -> Callable[P, Coroutine[Any, Any, None]]: ...
    def __get__(self, handle: Any, owner: Any = None) -> Any:
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            act = handle.act if hasattr(handle, "act") else handle.act_async
            return act(self._action(handle.name, *args, **kwargs))

        method.__doc__ = self.__doc__
        return method


class CameraActions:
    """The actions as methods, for handles that block and for handles that are awaited."""

    press = _Method(Press)
    hold = _Method(Hold)
    swap_battery = _Method(SwapBattery)
    dock = _Method(Dock)
    undock = _Method(Undock)
