import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments import HEADER, body, fragment
from lapel import boxes


@given(st.integers(1, 2**31), st.integers(0, 2**40), st.binary(max_size=40))
def test_placing_changes_sequence_and_time_and_nothing_else(sequence: int, ticks: int, media: bytes) -> None:
    before = body(7, 123, [3000] * 4, media)
    after = boxes.placed(before, sequence, ticks)
    assert bytes(after) == body(sequence, ticks, [3000] * 4, media)


def test_a_fragment_tells_its_pictures_and_its_length() -> None:
    whole = fragment(1, duration_s=2.0, frames=20).body
    assert boxes.frames(whole) == 20
    assert boxes.duration_ticks(whole) == 180_000


def test_a_missing_box_is_named() -> None:
    with pytest.raises(LookupError, match="moof/traf"):
        boxes.find(HEADER, b"moof", b"traf")


@given(st.integers(0, 400))
def test_a_file_cut_anywhere_is_whole_up_to_its_last_whole_fragment(cut: int) -> None:
    bodies = [fragment(number).body for number in (1, 2, 3)]
    data = (HEADER + b"".join(bodies))[:cut]
    ends = [len(HEADER) + sum(map(len, bodies[:count])) for count in range(4)]
    found = boxes.extent(io.BytesIO(data))
    assert found.fragments == sum(end <= len(data) for end in ends[1:])
    assert found.frames == 10 * found.fragments
    assert found.end_ticks == 90_000 * found.fragments
    assert found.whole_bytes + found.torn_bytes == len(data)


@given(st.binary(max_size=200))
def test_noise_never_breaks_the_walk(noise: bytes) -> None:
    assert list(boxes.boxes(noise)) is not None
