"""MP4 boxes: placing fragments, and finding how far a file is intact."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments import HEADER, body, fragment, media_in
from lapel import mp4_boxes as boxes
from lapel_fleet.hardware.blank_fragments import box


@given(st.integers(1, 2**31), st.integers(0, 2**40), st.binary(max_size=40))
def test_placing_changes_only_sequence_number_and_decode_time(sequence: int, ticks: int, media: bytes) -> None:
    before = body(7, 123, [3000] * 4, media)
    after = boxes.placed(before, sequence, ticks)
    assert bytes(after) == body(sequence, ticks, [3000] * 4, media)


def test_frames_and_duration_of_a_fragment_are_read() -> None:
    whole = fragment(1, duration_s=2.0, frames=20).body
    assert boxes.frames(whole) == 20
    assert boxes.duration_ticks(whole) == 180_000


def test_a_missing_box_is_named() -> None:
    with pytest.raises(LookupError, match="moof/traf"):
        boxes.find(HEADER, b"moof", b"traf")


@given(st.integers(0, 400))
def test_a_file_cut_anywhere_is_intact_up_to_its_last_whole_fragment(cut: int) -> None:
    bodies = [fragment(number).body for number in (1, 2, 3)]
    data = (HEADER + b"".join(bodies))[:cut]
    ends = [len(HEADER) + sum(map(len, bodies[:count])) for count in range(4)]
    found = boxes.extent(io.BytesIO(data))
    assert found.fragments == sum(end <= len(data) for end in ends[1:])
    assert found.frames == 10 * found.fragments
    assert found.end_ticks == 90_000 * found.fragments
    assert found.whole_bytes + found.torn_bytes == len(data)


@given(st.binary(max_size=200))
def test_random_bytes_never_raise(noise: bytes) -> None:
    assert list(boxes.boxes(noise)) is not None


# -- the first frames of a fragment -----------------------------------------------------------------------------------


SAMPLES = st.lists(st.tuples(st.integers(1, 9000), st.binary(max_size=9)), min_size=1, max_size=40)


def muxed(samples: list[tuple[int, bytes]], *, one_by_one: bool = True) -> bytes:
    """A fragment as FFmpeg writes it: what all samples have in common is in the `tfhd`."""
    ticks, media = samples[0][0], b"".join(data for _, data in samples)
    sizes = [size for duration, data in samples for size in ((duration, len(data)) if one_by_one else (len(data),))]
    flags = 0x305 if one_by_one else 0x205
    traf = box(b"tfhd", struct.pack(">III", 0x020008, 1, ticks)) + box(b"tfdt", struct.pack(">IQ", 1 << 24, 123))

    def moof(data_offset: int) -> bytes:
        trun = struct.pack(f">IIII{len(sizes)}I", flags, len(samples), data_offset, 0x02000000, *sizes)
        return box(b"moof", box(b"mfhd", struct.pack(">II", 0, 7)) + box(b"traf", traf + box(b"trun", trun)))

    return moof(len(moof(0)) + 8) + box(b"mdat", media)


@given(SAMPLES, st.data())
def test_a_prefix_of_a_fragment_is_the_same_as_fewer_samples_muxed(
    samples: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    frames = data.draw(st.integers(1, len(samples)))
    last_ticks = data.draw(st.integers(1, 9000))
    kept = [*samples[: frames - 1], (last_ticks, samples[frames - 1][1])]
    expected = muxed(kept).replace(struct.pack(">II", 1, kept[0][0]), struct.pack(">II", 1, samples[0][0]), 1)
    assert bytes(boxes.prefix(muxed(samples), frames, sum(ticks for ticks, _ in kept))) == expected


@given(st.integers(1, 9000), st.lists(st.binary(max_size=9), min_size=2, max_size=40))
def test_a_prefix_has_explicit_durations_where_its_fragment_uses_the_default(each: int, media: list[bytes]) -> None:
    whole = muxed([(each, data) for data in media], one_by_one=False)
    prefix = boxes.prefix(whole, len(media) - 1, each * len(media))
    assert boxes.frames(prefix) == len(media) - 1
    assert boxes.duration_ticks(prefix) == boxes.duration_ticks(whole) == each * len(media)
    assert media_in(bytes(prefix)) == [b"".join(media[:-1])]


@pytest.mark.parametrize(("frames", "ticks"), [(0, 90_000), (11, 180_000), (10, 81_000), (2, 0)])
def test_an_impossible_prefix_is_rejected(frames: int, ticks: int) -> None:
    with pytest.raises(ValueError, match=f"{frames} of 10 samples cannot last {ticks} ticks"):
        boxes.prefix(fragment(1).body, frames, ticks)
