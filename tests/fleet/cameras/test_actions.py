"""The actions on a camera: one struct each, from which requests, commands and methods come."""

import msgspec
import pytest

from lapel.errors import ConfigError
from lapel_fleet.cameras.actions import ACTIONS, Action, CameraActions, Hold, Press, SwapBattery
from lapel_fleet.control.socket.messages import request_in

CAMERA = "baltimore/cam-0001"


class BlockingHandle(CameraActions):
    """Keeps the actions that its methods make."""

    name = CAMERA

    def __init__(self) -> None:
        self.actions: list[Action] = []

    def act(self, action: Action) -> None:
        self.actions.append(action)


class AwaitableHandle(CameraActions):
    """The same for methods that are awaited."""

    name = CAMERA

    def __init__(self) -> None:
        self.actions: list[Action] = []

    async def act_async(self, action: Action) -> None:
        self.actions.append(action)


EXPECTED = [Press(CAMERA, "event", 2), Hold(CAMERA, "power", 1.0), SwapBattery(CAMERA)]


def test_the_methods_of_a_blocking_handle_make_actions() -> None:
    handle = BlockingHandle()
    handle.press("event", times=2)
    handle.hold("power", seconds=1.0)
    handle.swap_battery()
    assert handle.actions == EXPECTED


async def test_the_methods_of_an_awaitable_handle_are_awaited() -> None:
    handle = AwaitableHandle()
    await handle.press("event", times=2)
    await handle.hold("power", seconds=1.0)
    await handle.swap_battery()
    assert handle.actions == EXPECTED


@pytest.mark.parametrize("action", EXPECTED)
def test_every_action_is_a_request_on_the_control_socket(action: Action) -> None:
    assert request_in(msgspec.json.encode(action)) == action


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_has_a_method_with_its_description(action: type[Action]) -> None:
    method = getattr(BlockingHandle(), str(action.__struct_config__.tag).replace("-", "_"))
    assert method.__doc__ == action.__doc__


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (Press(CAMERA, "evnt"), "there is no button evnt; did you mean `event`?"),
        (Press(CAMERA, times=11), "times = 11: a button can be pressed 1 to 10 times at once"),
        (Hold(CAMERA, seconds=-1), "seconds = -1: a button can be held for 0 seconds or more"),
    ],
)
def test_an_impossible_action_is_refused_with_advice(action: Action, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        action.check()
    assert str(caught.value) == error
