"""Buttons that are pressed and held together."""

from hypothesis import given
from hypothesis import strategies as st

from lapel.button_set import ButtonSet, Control
from lapel.gestures import HOLD_S, Gesture, Timings
from lapel.hardware.interfaces import ButtonName

TOGETHER_S = Timings().together_s
E, P, S = "event", "power", "select"
Move = tuple[float, ButtonName]


def detected(*moves: Move) -> list[tuple[float, Control, Gesture]]:
    """When which gesture is detected, if these buttons go down, and up the next time, at these seconds."""
    buttons, is_down = ButtonSet(), set[ButtonName]()
    found: list[tuple[float, Control, Gesture]] = []
    for at_s, name in (*moves, (1e6, None)):
        while (due_s := buttons.due_s) is not None and due_s <= at_s:
            found += [(due_s, *gesture) for gesture in buttons.advance(due_s)]
        if name is not None:
            is_down ^= {name}
            found += [(at_s, *gesture) for gesture in buttons.on_edge(name, at_s, is_down=name in is_down)]
    return found


def test_event_and_select_held_together_are_one_gesture_and_neither_stops_nor_mutes() -> None:
    assert detected((1.0, E), (1.25, S), (5.0, E), (5.0, S)) == [(1.25 + HOLD_S, "event+select", "hold")]
    assert detected((1.0, S), (1.0, E)) == [(1.0 + HOLD_S, "event+select", "hold")]


def test_the_limits_of_together() -> None:
    assert detected((0.0, E), (TOGETHER_S, S)) == [(TOGETHER_S + HOLD_S, "event+select", "hold")]
    late_s = TOGETHER_S + 0.001
    assert detected((0.0, E), (late_s, S)) == [(HOLD_S, "event", "hold"), (late_s + HOLD_S, "select", "hold")]


def test_the_limits_of_a_hold_of_two() -> None:
    assert detected((0.0, E), (0.25, S), (0.25 + HOLD_S, S))[0] == (0.25 + HOLD_S, "event+select", "hold")
    short = detected((0.0, E), (0.25, S), (0.25 + HOLD_S - 0.001, S))
    assert short == [(0.25 + HOLD_S - 0.001, "select", "press")], "which of the two was intended is not known"


def test_a_button_that_is_let_go_early_leaves_the_other_alone() -> None:
    assert detected((0.0, E), (0.25, S), (0.5, S)) == [(0.5, "select", "press"), (HOLD_S, "event", "hold")]


def test_other_buttons_held_together_mean_nothing() -> None:
    """A camera that is squeezed must neither stop nor switch off."""
    assert detected((0.0, E), (0.25, P)) == []
    assert detected((0.0, S), (0.25, P)) == []
    assert detected((0.0, S), (0.25, P), (0.5, E)) == []


def test_a_stuck_button_does_not_keep_the_others_from_their_gestures() -> None:
    for stuck, other in ((S, E), (E, S), (P, E)):
        found = detected((0.0, stuck), (10.0, other), (10.1, other), (10.3, other), (10.4, other), (20.0, other))
        assert [(control, gesture) for _, control, gesture in found] == [
            (stuck, "hold"), (other, "press"), (other, "double press"), (other, "hold"),
        ]  # fmt: skip


def test_a_double_press_starts_although_another_button_is_down() -> None:
    found = detected((0.0, S), (0.1, E), (0.2, E), (0.4, E), (0.5, E), (0.6, S))
    assert (0.4, E, "double press") in found


def test_a_bounce_as_the_buttons_go_down_does_not_part_them() -> None:
    assert detected((0.0, E), (0.1, S), (0.105, S), (0.11, S)) == [(0.1 + HOLD_S, "event+select", "hold")]


def test_a_contact_that_opens_in_the_middle_of_a_hold_ends_it_without_a_stop() -> None:
    """The recording goes on, with its light: the wearer holds again."""
    assert detected((0.0, E), (2.0, E), (2.005, E), (9.0, E)) == [(2.0, E, "press")]


def test_a_timer_that_comes_late_finds_the_hold_in_time() -> None:
    buttons = ButtonSet()
    buttons.on_edge("event", 0.0, is_down=True)
    assert buttons.on_edge("event", 9.0, is_down=False) == [("event", "hold")]


def test_times_that_step_back_count_as_the_last_one() -> None:
    buttons = ButtonSet()
    buttons.on_edge("event", 10.0, is_down=True)
    assert buttons.on_edge("event", 5.0, is_down=False) == []
    assert buttons.held(10.0) == []


def test_buttons_that_are_down_at_the_start_make_no_gesture() -> None:
    buttons = ButtonSet()
    buttons.ignore_presses(["event", "select"], 0.0)
    assert buttons.due_s is None
    assert buttons.held(5.0) == [("event", 5.0), ("select", 5.0)]


@given(st.lists(st.tuples(st.floats(0, 4), st.sampled_from((E, P, S))), max_size=30))
def test_no_more_gestures_than_presses(moves: list[Move]) -> None:
    """And a hold of two takes the place of both."""
    at_s, timed = 0.0, list[Move]()
    for pause_s, name in moves:
        at_s += pause_s
        timed.append((at_s, name))
    found = detected(*timed)
    presses = sum((sum(name == one for _, name in timed) + 1) // 2 for one in (E, P, S))
    assert sum(2 if control == "event+select" else 1 for _, control, _ in found) <= presses
    assert [at_s for at_s, *_ in found] == sorted(at_s for at_s, *_ in found)
