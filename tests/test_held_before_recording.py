"""A button that was down before a recording began does not end it (found by chaos, seed 124)."""

import pytest

from body_worn_camera import BodyWornHarness, run_steps
from lapel.states import State


@pytest.mark.parametrize("early_s", [2.9, 0.5])
def test_a_hold_that_began_before_the_recording_does_not_end_it(early_s: float) -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.buttons.stick("event")
        await harness.clock.sleep(early_s)
        harness.link.command("start-recording")
        await harness.clock.sleep(60)
        assert harness.state is State.RECORDING
        harness.buttons.free("event")
        await harness.clock.sleep(1)
        assert harness.state is State.RECORDING
        await harness.buttons.hold("event", 3.5)
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    (account,) = run_steps(steps).storage.listing()
    assert account.status == "complete"
    assert account.stop is not None
    assert account.stop.source == "button"


def test_a_hold_that_began_just_after_the_start_ends_it() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.link.command("start-recording")
        await harness.clock.sleep(0.01)
        await harness.buttons.hold("event", 3.5)
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    assert [account.status for account in run_steps(steps).storage.listing()] == ["complete"]
