from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapel.fragment import Fragment
from lapel.media.encoder import Encoder, EncoderSettings
from video_files import file_of, frame, numbers

RATE = 10.0


def encoder(gop_s: float = 1.0) -> Encoder:
    return Encoder(
        EncoderSettings(rate_fps=RATE, bitrate_bps=200_000, gop_s=gop_s, codec="libx264", preset="ultrafast")
    )


def test_a_gop_closes_when_it_has_lasted() -> None:
    one = encoder()
    closed = [found for number in range(25) if (found := one.encode(frame(number, number / RATE)))]
    closed += [last for last in [one.cut()] if last]
    assert [(part.number, part.frames, part.duration_ticks) for part in closed] == [
        (1, 10, 90_000),
        (2, 10, 90_000),
        (3, 5, 45_000),
    ]
    assert numbers(file_of(closed)) == list(range(25))
    assert closed[0].header is closed[2].header


def test_a_cut_closes_at_once_and_the_next_picture_is_a_keyframe() -> None:
    one = encoder()
    for number in range(3):
        assert one.encode(frame(number, number / RATE)) is None
    first = one.cut()
    assert first is not None
    assert one.cut() is None
    for number in range(3, 6):
        one.encode(frame(number, number / RATE))
    second = one.cut()
    assert second is not None
    assert second.start_ticks == first.start_ticks + first.duration_ticks
    assert numbers(file_of([second])) == [3, 4, 5]


def test_missing_pictures_are_a_gap_with_their_true_length_and_reason() -> None:
    one = encoder()
    one.encode(frame(0, 0.0))
    one.missed("source lost")
    closed = one.encode(frame(1, 5.0))
    assert closed is not None
    assert closed.duration_s == pytest.approx(0.1)
    after = one.cut()
    assert after is not None
    assert after.gap_before is not None
    assert after.gap_before.reason == "source lost"
    assert after.gap_before.duration_s == pytest.approx(4.9)


def test_another_size_is_another_header_on_the_same_time_line() -> None:
    one = encoder()
    one.encode(frame(0, 0.0))
    small = one.encode(frame(1, 0.1, width=128, height=64))
    large = one.cut()
    assert small is not None
    assert large is not None
    assert small.header != large.header
    assert large.start_ticks == 9_000
    assert numbers(file_of([large])) == [1]


def test_an_odd_size_loses_a_row_and_not_the_recording() -> None:
    one = encoder()
    one.encode(frame(0, 0.0, width=64, height=33))
    closed = one.cut()
    assert closed is not None
    assert numbers(file_of([closed])) == [0]


def test_a_picture_that_is_not_later_is_counted_as_dropped() -> None:
    one = encoder()
    one.encode(frame(0, 1.0))
    one.encode(frame(1, 1.0))
    one.encode(frame(2, 0.5))
    one.encode(frame(3, 1.1))
    closed = one.cut()
    assert closed is not None
    assert (closed.frames, closed.dropped_frames) == (2, 2)


@dataclass
class Story:
    """What was fed, and what came out."""

    fed: list[int] = field(default_factory=list)
    closed: list[Fragment] = field(default_factory=list)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["frame", "frame", "frame", "cut", "gap", "resize", "jitter"]), max_size=40))
def test_every_picture_is_in_exactly_one_fragment_that_decodes_by_itself(actions: list[str]) -> None:
    one, story, at_s, width = encoder(gop_s=0.5), Story(), 0.0, 64
    for action in actions:
        closed = None
        match action:
            case "cut":
                closed = one.cut()
            case "gap":
                at_s += 3.0
            case "resize":
                width = 192 - width
            case _:
                at_s += 0.13 if action == "jitter" else 0.1
                closed = one.encode(frame(len(story.fed), at_s, width))
                story.fed.append(len(story.fed))
        story.closed += [closed] if closed else []
    story.closed += [last for last in [one.cut()] if last]
    read = [numbers(file_of([part])) for part in story.closed]
    assert [number for part in read for number in part] == story.fed
    assert [len(part) for part in read] == [part.frames for part in story.closed]
    assert [part.number for part in story.closed] == list(range(1, len(story.closed) + 1))
    starts = [part.start_ticks for part in story.closed]
    assert starts == sorted(set(starts))
