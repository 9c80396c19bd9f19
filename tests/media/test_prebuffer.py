import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments import fragment, instant
from lapel.fragment import Fragment, Gap
from lapel.media.prebuffer import PreEventBuffer

PLENTY = 10**9


def filled(length_s: float, fragments: list[Fragment], max_bytes: int = PLENTY) -> PreEventBuffer:
    buffer = PreEventBuffer(length_s, max_bytes)
    buffer.begin("the camera was switched on")
    for one in fragments:
        buffer.append(one)
    return buffer


def test_it_reaches_back_as_far_as_configured_and_no_further_gop() -> None:
    buffer = filled(3.0, [fragment(number) for number in range(1, 11)])
    taken = buffer.before(instant(10.4))
    assert [one.number for one in taken.fragments] == [8, 9, 10]
    assert taken.shortfall is None
    assert buffer.held_s == pytest.approx(3.0)


def test_no_length_holds_nothing_and_is_no_shortfall() -> None:
    buffer = filled(0.0, [fragment(1)])
    assert (buffer.before(instant(1.0)).fragments, buffer.before(instant(1.0)).shortfall) == ([], None)
    assert buffer.held_bytes == 0


@pytest.mark.parametrize(
    ("buffer", "reason"),
    [
        (
            filled(10.0, [fragment(1), fragment(2)]),
            "capture began only 2.0 s before the press, when the camera was switched on",
        ),
        (filled(10.0, []), "no frames had been captured yet: capture began when the camera was switched on"),
        (filled(1.0, [fragment(1, start_s=0.0, duration_s=0.5)]), "no frames came before the press"),
        (filled(1.5, [fragment(1, duration_s=0.2), fragment(2, gap_before=Gap(0.8, "unplugged"))]), "unplugged"),
        (
            filled(10.0, [fragment(n, start_s=n / 10, duration_s=0.1) for n in range(20)], max_bytes=400),
            "prebuffer.max_bytes",
        ),
        (filled(10.0, [fragment(1)], max_bytes=10), "prebuffer.max_bytes"),
    ],
)
def test_a_shortfall_has_its_reason(buffer: PreEventBuffer, reason: str) -> None:
    assert reason in (buffer.before(instant(2.0)).shortfall or "")


@given(
    lengths=st.lists(st.tuples(st.floats(0.05, 2.0), st.sampled_from([0.0, 0.0, 0.0, 4.0])), max_size=30),
    length_s=st.floats(0.1, 12.0),
    later_s=st.floats(0.0, 2.0),
)
def test_nothing_that_is_needed_is_ever_let_go(
    lengths: list[tuple[float, float]], length_s: float, later_s: float
) -> None:
    given_, at_s = [], 0.0
    for number, (duration_s, gap_s) in enumerate(lengths, 1):
        at_s += gap_s
        given_.append(fragment(number, start_s=at_s, duration_s=duration_s, frames=1))
        at_s = given_[-1].end_mono_s
    taken = filled(length_s, given_).before(instant(at_s + later_s))
    needed_s = at_s + later_s - length_s
    assert list(taken.fragments) == [one for one in given_ if one.end_mono_s > needed_s]
    assert (taken.shortfall is None) == bool(taken.fragments and taken.fragments[0].start.mono_s <= needed_s + 0.002)


@given(st.lists(st.binary(max_size=300), max_size=30), st.integers(0, 2000))
def test_the_byte_bound_holds(media: list[bytes], max_bytes: int) -> None:
    buffer = filled(60.0, [fragment(n, media=one) for n, one in enumerate(media, 1)], max_bytes)
    assert buffer.held_bytes <= max_bytes
    assert buffer.held_bytes == sum(one.size_bytes for one in buffer.before(instant(len(media))).fragments)
