"""The simulator's model of the buttons and the firmware's gestures agree."""

from hypothesis import example, given
from hypothesis import strategies as st

from lapel.button_set import ButtonSet, Control
from lapel.gestures import Gesture
from lapel.hardware.interfaces import ButtonName
from lapel_fleet.cameras.button_intent import ButtonModel

PAUSES_S = st.sampled_from((0.0, 0.005, 0.25, 0.5, 0.75, 2.5, 2.75, 3.0, 3.25))
MOVES = st.tuples(PAUSES_S, st.sampled_from(("event", "event", "select", "power")))


@given(st.lists(MOVES, max_size=14), st.booleans())
@example([(0.0, "event"), (0.5, "select"), (2.75, "select")], True)
def test_the_model_and_the_firmware_agree_on_every_sequence(
    moves: list[tuple[float, ButtonName]], is_recording: bool
) -> None:
    intended: list[tuple[float, str]] = []
    detected: list[tuple[float, str]] = []
    now_s, is_down = 0.0, set[ButtonName]()
    model, buttons = ButtonModel(), ButtonSet()
    recording_means = {("event", "press"): "mark", ("event", "hold"): "stop"}
    means = recording_means if is_recording else {("event", "double press"): "start"}
    means["event+select", "hold"] = "stealth"

    def add(gestures: list[tuple[Control, Gesture]], at_s: float) -> None:
        detected.extend((at_s, means[gesture]) for gesture in gestures if gesture in means)

    def wait_until(end_s: float) -> None:
        while (due_s := buttons.due_s) is not None and due_s <= end_s:
            add(buttons.advance(due_s), due_s)
        intended.extend(model.take_holds(end_s))

    for pause_s, button in moves:
        now_s += pause_s
        wait_until(now_s)
        goes_down = button not in is_down
        is_down ^= {button}
        add(buttons.on_edge(button, now_s, is_down=goes_down), now_s)
        intent = (model.down if goes_down else model.up)(button, now_s, is_recording=is_recording)
        intended.extend([(now_s, intent)] if intent is not None else [])
    wait_until(now_s + 100)
    assert intended == detected
