"""What really happened to a camera, as the simulator writes it down."""

from lapel.hardware.interfaces import Edge
from lapel.states import State
from lapel_fleet.cameras.actual_recorder import ActualRecorder
from lapel_fleet.checkers.records import ActualRecord
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


def test_a_held_button_stops_the_recording_in_which_it_went_down() -> None:
    async def hold(clock: VirtualClock) -> list[float]:
        recorder = ActualRecorder(ActualRecord("baltimore/cam-0001"), clock)
        recorder.on_state(State.RECORDING)
        recorder.on_button(Edge("event", True), is_recording=True)
        await clock.sleep(3.0)
        recorder.on_state(State.BUFFERING)
        await clock.sleep(1.0)
        recorder.on_button(Edge("event", False), is_recording=False)
        return recorder.record.stops

    assert run_virtual(hold) == [3.0]


def test_a_button_held_since_an_earlier_recording_stops_no_later_one() -> None:
    """Seed 11 of a chaos day: a command stopped the recording, and another began the next, while the wearer held it."""

    async def hold(clock: VirtualClock) -> list[float]:
        recorder = ActualRecorder(ActualRecord("baltimore/cam-0001"), clock)
        recorder.on_state(State.RECORDING)
        recorder.on_button(Edge("event", True), is_recording=True)
        for state in (State.BUFFERING, State.RECORDING):
            await clock.sleep(0.5)
            recorder.on_state(state)
        await clock.sleep(3.0)
        recorder.on_button(Edge("event", False), is_recording=True)
        return recorder.record.stops

    assert run_virtual(hold) == []
