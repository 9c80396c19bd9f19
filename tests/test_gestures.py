"""Gestures of a button: press, double press, hold."""

from hypothesis import given
from hypothesis import strategies as st

from lapel.gestures import DOUBLE_S, HOLD_S, Gesture, GestureDetector, Timings

DEBOUNCE_S = Timings().debounce_s


def detected(*edges: float) -> list[tuple[float, Gesture]]:
    """When which gesture is detected, if a button goes down, up, down … at these seconds and then stays as it is."""
    button = GestureDetector()
    found: list[tuple[float, Gesture]] = []

    def add(at_s: float, gesture: Gesture | None) -> None:
        if gesture is not None:
            found.append((at_s, gesture))

    def wait_until(at_s: float) -> None:
        due_s = button.hold_due_s
        if due_s is not None and due_s <= at_s:
            button.end_gesture()
            add(due_s, "hold")

    for number, at_s in enumerate(edges):
        wait_until(at_s)
        add(at_s, button.on_up(at_s) if number % 2 else button.on_down(at_s))
    wait_until(1e9)
    return found


def test_a_press_is_detected_when_the_button_comes_up() -> None:
    assert detected(1.0, 1.2) == [(1.2, "press")]


def test_a_double_press_is_detected_when_the_button_goes_down_again() -> None:
    assert detected(1.0, 1.1, 1.3, 1.4) == [(1.1, "press"), (1.3, "double press")]


def test_two_presses_far_apart_are_two_presses() -> None:
    late = 1.1 + DOUBLE_S + 0.01
    assert detected(1.0, 1.1, late, late + 0.1) == [(1.1, "press"), (late + 0.1, "press")]


def test_a_third_press_is_a_press_again() -> None:
    assert [gesture for _, gesture in detected(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)] == [
        "press", "double press", "press", "double press",
    ]  # fmt: skip


def test_a_hold_is_detected_while_the_button_is_down_and_its_end_is_no_gesture() -> None:
    assert detected(1.0, 9.0) == [(1.0 + HOLD_S, "hold")]


def test_a_press_as_long_as_a_hold_is_no_press() -> None:
    button = GestureDetector()
    button.on_down(1.0)
    assert button.on_up(1.0 + HOLD_S) is None


def test_a_press_just_short_of_a_hold_is_a_press() -> None:
    assert detected(1.0, 3.99) == [(3.99, "press")]


def test_the_second_press_of_a_double_press_is_never_a_hold() -> None:
    assert detected(1.0, 1.1, 1.3, 60.0) == [(1.1, "press"), (1.3, "double press")]


def test_a_button_that_is_down_at_the_start_is_held_but_makes_no_gesture() -> None:
    button = GestureDetector()
    button.ignore_press(10.0)
    assert (button.hold_due_s, button.held_s(50.0)) == (None, 40.0)
    assert button.on_up(99.0) is None
    assert button.held_s(100.0) is None
    assert button.on_down(200.0) is None
    assert button.on_up(200.1) == "press"


def test_contacts_that_bounce_make_one_press() -> None:
    down, up = (1.0, 1.001, 1.002, 1.004, 1.005), (1.2, 1.201, 1.21, 1.212)
    assert detected(*down, *up, 1.215) == [(1.2, "press")]
    assert detected(*down, 1.3, 1.5, 1.501, 1.51, 1.6) == [(1.3, "press"), (1.5, "double press")]
    assert detected(*down) == [(1.0 + HOLD_S, "hold")], "a hold is measured from the first contact"


def test_a_contact_of_less_than_the_debounce_time_is_noise_and_one_of_just_that_is_a_press() -> None:
    assert detected(1.0, 1.0 + DEBOUNCE_S - 1e-6) == []
    assert detected(0.0, DEBOUNCE_S) == [(DEBOUNCE_S, "press")]
    assert detected(1.0, 1.001, 5.0, 5.1) == [(5.1, "press")]


def test_a_gap_of_less_than_the_debounce_time_is_no_second_press_and_one_of_just_that_is() -> None:
    up_s = 0.125
    assert detected(0.0, up_s, up_s + DEBOUNCE_S - 1e-6, 0.5) == [(up_s, "press")]
    again_s = up_s + DEBOUNCE_S + 1e-9
    assert detected(0.0, up_s, again_s, 0.5) == [(up_s, "press"), (again_s, "double press")]


def test_a_double_press_and_a_hold_at_their_limits() -> None:
    assert detected(0.0, 0.125, 0.125 + DOUBLE_S, 1.0)[-1] == (0.125 + DOUBLE_S, "double press")
    assert detected(0.0, HOLD_S) == [(HOLD_S, "hold")]
    assert detected(0.0, HOLD_S - 1e-6) == [(HOLD_S - 1e-6, "press")]


def test_other_timings() -> None:
    button = GestureDetector(Timings(hold_s=1.0, double_press_s=0.2, debounce_s=0.0))
    button.on_down(0.0)
    assert button.hold_due_s == 1.0
    assert button.on_up(0.0) == "press"
    assert button.on_down(0.201) is None


def test_a_repeated_edge_is_ignored() -> None:
    button = GestureDetector()
    assert button.on_up(1.0) is None
    button.on_down(2.0)
    assert button.on_down(2.1) is None
    assert button.held_s(3.0) == 1.0


@given(st.lists(st.floats(0.001, 100.0), max_size=40))
def test_one_press_is_at_most_one_gesture(pauses_s: list[float]) -> None:
    """From one press to the next there is at most one gesture, so no press both starts and stops a recording."""
    edges = [sum(pauses_s[: number + 1]) for number in range(len(pauses_s))]
    gestures = detected(*edges)
    for number in range(0, len(edges), 2):
        down_s = edges[number]
        until_s = edges[number + 2] if number + 2 < len(edges) else 1e9
        assert sum(down_s <= at_s < until_s for at_s, _ in gestures) <= 1
    assert [at_s for at_s, _ in gestures] == sorted(at_s for at_s, _ in gestures)


@given(st.lists(st.floats(0.001, 10.0), max_size=20), st.floats(HOLD_S, 1e6))
def test_a_stuck_button_makes_at_most_one_gesture(pauses_s: list[float], stuck_for_s: float) -> None:
    """Whatever happened before it got stuck."""
    pauses_s = pauses_s[: len(pauses_s) // 2 * 2]
    stuck_s = sum(pauses_s) + 1.0
    edges = [sum(pauses_s[: number + 1]) for number in range(len(pauses_s))]
    gestures = detected(*edges, stuck_s, stuck_s + stuck_for_s)
    assert [gesture for at_s, gesture in gestures if at_s >= stuck_s] in (["hold"], ["double press"])


@given(st.lists(st.tuples(st.sampled_from(["on_down", "on_up"]), st.floats(0, 5)), max_size=60))
def test_edges_in_any_order_make_at_most_one_gesture_per_press(noise: list[tuple[str, float]]) -> None:
    """Edges may be lost, repeated or out of order."""
    button, now_s, since_down = GestureDetector(), 0.0, 0
    for call, pause_s in noise:
        now_s += pause_s
        is_new_press = call == "on_down" and button.held_s(now_s) is None
        gesture = getattr(button, call)(now_s)
        since_down = (0 if is_new_press else since_down) + (gesture is not None)
        assert since_down <= 1
