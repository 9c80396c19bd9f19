from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lapel.fragment import TICKS_PER_S
from lapel_fleet.hardware.capture_timeline import FIRST_TICKS, LEAST_TICKS, CaptureSpan, CaptureTimeline

LONGEST_TICKS = 3 * TICKS_PER_S
ACTIONS = st.lists(st.tuples(st.sampled_from(["cut", "close", "open", "look"]), st.integers(0, 8 * TICKS_PER_S)))


def told(deeds: list[tuple[str, int]]) -> tuple[CaptureTimeline, int, list[tuple[int, int]]]:
    """The line, its present, and the times with pictures."""
    line, now, seen, began = CaptureTimeline(LONGEST_TICKS), 0, [], None
    for deed, later in deeds:
        now += later
        if deed == "cut":
            line.cut(now)
        elif deed == "close" and began is not None:
            line.close(now)
            seen.append((began, now))
            began = None
        elif deed == "open" and began is None:
            line.open(now, "dark")
            began = now
    return line, now, [*seen, *([(began, now)] if began is not None else [])]


@given(ACTIONS)
def test_fragments_are_numbered_and_meet_or_tell_the_gap(deeds: list[tuple[str, int]]) -> None:
    line, now, _ = told(deeds)
    pieces = list(line.pieces(now))
    assert [piece.number for piece in pieces] == list(range(1, len(pieces) + 1))
    for one, following in pairwise(pieces):
        gap_ticks = round(following.gap_before.duration_s * TICKS_PER_S) if following.gap_before else 0
        assert following.start_ticks == one.end_ticks + gap_ticks
    for piece in pieces:
        assert LEAST_TICKS <= piece.end_ticks - piece.start_ticks <= LONGEST_TICKS


@given(ACTIONS)
def test_no_picture_is_missing_but_one_at_an_end(deeds: list[tuple[str, int]]) -> None:
    line, now, seen = told(deeds)
    line.close(now)
    pieces = list(line.pieces(now))
    for begin, end in seen:
        within = sum(piece.end_ticks - piece.start_ticks for piece in pieces if begin <= piece.start_ticks < end)
        assert end - begin - LEAST_TICKS < within <= end - begin


@given(ACTIONS, ACTIONS)
def test_what_was_closed_stays_as_it_was(deeds: list[tuple[str, int]], later: list[tuple[str, int]]) -> None:
    line, now, _ = told(deeds)
    earlier = list(line.pieces(now))
    for deed, ticks in later:
        now += ticks
        {"cut": line.cut, "close": line.close, "open": lambda _: True, "look": lambda _: True}[deed](now)
    assert list(line.pieces(now))[: len(earlier)] == earlier


@given(ACTIONS, st.integers(0, 10 * TICKS_PER_S))
def test_what_is_forgotten_would_not_have_been_asked_for(deeds: list[tuple[str, int]], from_ticks: int) -> None:
    line, now, _ = told(deeds)
    wanted = list(line.pieces(now, from_ticks=from_ticks))
    line.forget(from_ticks)
    assert list(line.pieces(now, from_ticks=from_ticks)) == wanted


def test_the_first_fragment_closes_after_a_second_and_the_others_after_their_time() -> None:
    line = CaptureTimeline(LONGEST_TICKS)
    line.open(0, "")
    assert line.closes_ticks(0) == FIRST_TICKS
    assert line.closes_ticks(FIRST_TICKS) == FIRST_TICKS + LONGEST_TICKS
    assert list(line.pieces(FIRST_TICKS - 1)) == []
    assert list(line.pieces(FIRST_TICKS)) == [CaptureSpan(1, 0, FIRST_TICKS, None)]


def test_a_gap_reaches_from_the_last_picture_to_the_next_though_one_flashed_up_in_between() -> None:
    line = CaptureTimeline(LONGEST_TICKS)
    line.open(0, "")
    line.close(TICKS_PER_S)
    line.open(2 * TICKS_PER_S, "pulled")
    line.close(2 * TICKS_PER_S + LEAST_TICKS - 1)
    line.open(5 * TICKS_PER_S, "pulled again")
    line.close(6 * TICKS_PER_S)
    gap = list(line.pieces(6 * TICKS_PER_S))[-1].gap_before
    assert gap is not None
    assert (gap.duration_s, gap.reason) == (4.0, "pulled again")


def test_a_shift_without_a_press_is_not_walked_through() -> None:
    line, shift = CaptureTimeline(LONGEST_TICKS), 8 * 3600 * TICKS_PER_S
    line.open(0, "")
    assert len(list(line.pieces(shift, from_ticks=shift - 30 * TICKS_PER_S))) == 10
