from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lapel.fragment import TICKS_PER_S
from lapel_fleet.hardware.capture_timeline import FIRST_TICKS, FRAME_TICKS, CaptureSpan, CaptureTimeline

LONGEST_TICKS = 3 * TICKS_PER_S
ACTIONS = st.lists(st.tuples(st.sampled_from(["cut", "close", "open", "wait"]), st.integers(0, 8 * TICKS_PER_S)))


def performed(actions: list[tuple[str, int]]) -> tuple[CaptureTimeline, int, list[tuple[int, int]]]:
    """The time line after these actions, its present, and the times with frames."""
    timeline, now, captured, began = CaptureTimeline(LONGEST_TICKS), 0, [], None
    for action, later in actions:
        now += later
        if action == "cut":
            timeline.cut(now)
        elif action == "close" and began is not None:
            timeline.close(now)
            captured.append((began, now))
            began = None
        elif action == "open" and began is None:
            timeline.open(now, "dark")
            began = now
    return timeline, now, [*captured, *([(began, now)] if began is not None else [])]


@given(ACTIONS)
def test_fragments_are_numbered_and_each_begins_where_the_one_before_or_the_gap_ends(
    actions: list[tuple[str, int]],
) -> None:
    timeline, now, _ = performed(actions)
    spans = list(timeline.spans(now))
    assert [span.number for span in spans] == list(range(1, len(spans) + 1))
    for one, following in pairwise(spans):
        gap_ticks = round(following.gap_before.duration_s * TICKS_PER_S) if following.gap_before else 0
        assert following.start_ticks == one.end_ticks + gap_ticks
    for span in spans:
        assert FRAME_TICKS <= span.end_ticks - span.start_ticks <= LONGEST_TICKS


@given(ACTIONS)
def test_at_most_one_frame_is_missing_where_frames_end(actions: list[tuple[str, int]]) -> None:
    timeline, now, captured = performed(actions)
    timeline.close(now)
    spans = list(timeline.spans(now))
    for begin, end in captured:
        within = sum(span.end_ticks - span.start_ticks for span in spans if begin <= span.start_ticks < end)
        assert end - begin - FRAME_TICKS < within <= end - begin


@given(ACTIONS, ACTIONS)
def test_closed_fragments_do_not_change(actions: list[tuple[str, int]], later: list[tuple[str, int]]) -> None:
    timeline, now, _ = performed(actions)
    earlier = list(timeline.spans(now))
    for action, ticks in later:
        now += ticks
        {"cut": timeline.cut, "close": timeline.close, "open": lambda _: True, "wait": lambda _: True}[action](now)
    assert list(timeline.spans(now))[: len(earlier)] == earlier


@given(ACTIONS, st.integers(0, 10 * TICKS_PER_S))
def test_only_fragments_that_end_before_are_discarded(actions: list[tuple[str, int]], from_ticks: int) -> None:
    timeline, now, _ = performed(actions)
    wanted = list(timeline.spans(now, from_ticks=from_ticks))
    timeline.discard_before(from_ticks)
    assert list(timeline.spans(now, from_ticks=from_ticks)) == wanted


def test_the_first_fragment_closes_after_a_second_and_later_ones_at_their_full_length() -> None:
    timeline = CaptureTimeline(LONGEST_TICKS)
    timeline.open(0, "")
    assert timeline.closes_ticks(0) == FIRST_TICKS
    assert timeline.closes_ticks(FIRST_TICKS) == FIRST_TICKS + LONGEST_TICKS
    assert list(timeline.spans(FIRST_TICKS - 1)) == []
    assert list(timeline.spans(FIRST_TICKS)) == [CaptureSpan(1, 0, FIRST_TICKS, None)]


def test_a_gap_includes_an_interval_too_short_for_a_frame() -> None:
    timeline = CaptureTimeline(LONGEST_TICKS)
    timeline.open(0, "")
    timeline.close(TICKS_PER_S)
    timeline.open(2 * TICKS_PER_S, "pulled")
    timeline.close(2 * TICKS_PER_S + FRAME_TICKS - 1)
    timeline.open(5 * TICKS_PER_S, "pulled again")
    timeline.close(6 * TICKS_PER_S)
    gap = list(timeline.spans(6 * TICKS_PER_S))[-1].gap_before
    assert gap is not None
    assert (gap.duration_s, gap.reason) == (4.0, "pulled again")


def test_only_the_fragments_of_the_pre_event_buffer_are_computed() -> None:
    timeline, shift = CaptureTimeline(LONGEST_TICKS), 8 * 3600 * TICKS_PER_S
    timeline.open(0, "")
    assert len(list(timeline.spans(shift, from_ticks=shift - 30 * TICKS_PER_S))) == 10
