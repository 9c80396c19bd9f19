"""A button that was down before a recording began does not end it (found by chaos, seed 124)."""

import pytest

from body_worn_camera import Body, play
from lapel.states import State


@pytest.mark.parametrize("early_s", [2.9, 0.5])
def test_a_hold_that_began_before_the_recording_does_not_end_it(early_s: float) -> None:
    async def story(on: Body) -> None:
        on.buttons.stick("event")
        await on.clock.sleep(early_s)
        on.link.command("start-recording")
        await on.clock.sleep(60)
        assert on.state is State.RECORDING
        on.buttons.free("event")
        await on.clock.sleep(1)
        assert on.state is State.RECORDING
        await on.buttons.hold("event", 3.5)
        await on.clock.sleep(1)
        assert on.state is State.BUFFERING

    (account,) = play(story).storage.listing()
    assert account.status == "complete"
    assert account.stop is not None
    assert account.stop.source == "button"


def test_a_hold_that_began_just_after_the_start_ends_it() -> None:
    async def story(on: Body) -> None:
        on.link.command("start-recording")
        await on.clock.sleep(0.01)
        await on.buttons.hold("event", 3.5)
        await on.clock.sleep(1)
        assert on.state is State.BUFFERING

    assert [one.status for one in play(story).storage.listing()] == ["complete"]
