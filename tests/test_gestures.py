from hypothesis import given
from hypothesis import strategies as st

from lapel.gestures import DOUBLE_S, HOLD_S, Gesture, Gestures


def received(*edges: float) -> list[tuple[float, Gesture]]:
    """What a button tells that goes down, up, down … at these seconds, and is then left alone."""
    button, told = Gestures(), []

    def tell(at_s: float, gesture: Gesture | None) -> None:
        if gesture is not None:
            told.append((at_s, gesture))

    def wait_until(at_s: float) -> None:
        due_s = button.hold_due_s
        if due_s is not None and due_s < at_s:
            tell(due_s, button.passed(due_s))

    for number, at_s in enumerate(edges):
        wait_until(at_s)
        tell(at_s, button.up(at_s) if number % 2 else button.down(at_s))
    wait_until(1e9)
    return told


def test_a_press_is_told_when_it_comes_up() -> None:
    assert received(1.0, 1.2) == [(1.2, "press")]


def test_the_second_of_two_presses_is_told_as_it_goes_down() -> None:
    assert received(1.0, 1.1, 1.3, 1.4) == [(1.1, "press"), (1.3, "double press")]


def test_two_presses_far_apart_are_two() -> None:
    late = 1.1 + DOUBLE_S + 0.01
    assert received(1.0, 1.1, late, late + 0.1) == [(1.1, "press"), (late + 0.1, "press")]


def test_a_third_press_begins_anew() -> None:
    assert [gesture for _, gesture in received(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)] == [
        "press", "double press", "press", "double press",
    ]  # fmt: skip


def test_a_hold_is_told_while_it_is_held_and_its_end_means_nothing() -> None:
    assert received(1.0, 9.0) == [(1.0 + HOLD_S, "hold")]


def test_a_hold_whose_timer_came_late_is_still_one() -> None:
    button = Gestures()
    button.down(1.0)
    assert button.up(1.0 + HOLD_S) == "hold"


def test_a_press_just_short_of_a_hold_is_a_press() -> None:
    assert received(1.0, 3.99) == [(3.99, "press")]


def test_the_second_press_of_two_is_no_hold_however_long() -> None:
    assert received(1.0, 1.1, 1.3, 60.0) == [(1.1, "press"), (1.3, "double press")]


def test_what_is_down_at_the_start_is_held_and_means_nothing() -> None:
    button = Gestures()
    button.found_down(10.0)
    assert (button.hold_due_s, button.passed(99.0), button.held_s(50.0)) == (None, None, 40.0)
    assert button.up(99.0) is None
    assert button.held_s(100.0) is None
    assert button.down(200.0) is None
    assert button.up(200.1) == "press"


def test_a_lost_edge_changes_nothing() -> None:
    button = Gestures()
    assert button.up(1.0) is None
    button.down(2.0)
    assert button.down(2.1) is None
    assert button.held_s(3.0) == 1.0


@given(st.lists(st.floats(0.001, 100.0), max_size=40))
def test_one_press_means_one_thing_at_most(pauses_s: list[float]) -> None:
    """From one down to the next there is at most one gesture, so no press both starts and stops."""
    edges = [sum(pauses_s[: number + 1]) for number in range(len(pauses_s))]
    told = received(*edges)
    for number in range(0, len(edges), 2):
        down_s = edges[number]
        until_s = edges[number + 2] if number + 2 < len(edges) else 1e9
        assert sum(down_s <= at_s < until_s for at_s, _ in told) <= 1
    assert [at_s for at_s, _ in told] == sorted(at_s for at_s, _ in told)


@given(st.lists(st.floats(0.001, 10.0), max_size=20), st.floats(HOLD_S, 1e6))
def test_a_stuck_button_does_one_thing_at_most(pauses_s: list[float], stuck_for_s: float) -> None:
    """Whatever came before it got stuck."""
    pauses_s = pauses_s[: len(pauses_s) // 2 * 2]
    sticks_s = sum(pauses_s) + 1.0
    edges = [sum(pauses_s[: number + 1]) for number in range(len(pauses_s))]
    told = received(*edges, sticks_s, sticks_s + stuck_for_s)
    assert [gesture for at_s, gesture in told if at_s >= sticks_s] in (["hold"], ["double press"])


@given(st.lists(st.tuples(st.sampled_from(["down", "up", "passed"]), st.floats(0, 5)), max_size=60))
def test_any_noise_is_survived(noise: list[tuple[str, float]]) -> None:
    """Edges lost, doubled, out of turn: between two downs that count there is still one gesture at most."""
    button, now_s, since_down = Gestures(), 0.0, 0
    for what, pause_s in noise:
        now_s += pause_s
        is_new_press = what == "down" and button.held_s(now_s) is None
        gesture = getattr(button, what)(now_s)
        since_down = (0 if is_new_press else since_down) + (gesture is not None)
        assert since_down <= 1
