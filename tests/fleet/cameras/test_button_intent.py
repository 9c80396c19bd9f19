"""The simulator's model of the event button and the firmware's gestures agree."""

from hypothesis import given
from hypothesis import strategies as st

from lapel.gestures import Gesture, Gestures
from lapel_fleet.cameras.button_intent import EventButtonModel

PAUSES_S = st.sampled_from((0.0, 0.25, 0.5, 0.75, 2.75, 3.0, 3.25))


@given(st.lists(PAUSES_S, max_size=12), st.booleans())
def test_the_model_and_the_firmware_agree_on_every_sequence(pauses_s: list[float], is_recording: bool) -> None:
    intended, detected, now_s = [], [], 0.0
    button, gestures = EventButtonModel(), Gestures()

    def add_gesture(gesture: Gesture | None, at_s: float) -> None:
        means = {"double press": "start"} if not is_recording else {"press": "mark", "hold": "stop"}
        if gesture in means:
            detected.append((at_s, means[gesture]))

    for number, pause_s in enumerate(pauses_s):
        now_s += pause_s
        due_s, stopped_s = gestures.hold_due_s, button.stopped_at_s(now_s)
        if due_s is not None and due_s <= now_s:
            add_gesture(gestures.passed(due_s), due_s)
        if stopped_s is not None:
            intended.append((stopped_s, "stop"))
        is_down = number % 2 == 0
        add_gesture(gestures.down(now_s) if is_down else gestures.up(now_s), now_s)
        means = (button.down if is_down else button.up)(now_s, is_recording=is_recording)
        if means is not None:
            intended.append((now_s, means))
    assert intended == detected
