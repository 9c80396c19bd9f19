import pytest

from lapel.errors import VideoError
from lapel.media.h264 import StreamState, nal_units, unit_type
from system.rpicam_vid import h264_frames


def coded(count: int, intra: int = 5, size: tuple[int, int] = (64, 32)) -> list[bytes]:
    frames = h264_frames(*size, intra)
    return [next(frames) for _ in range(count)]


def without_sets(frame: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in nal_units(frame) if unit_type(unit) not in (7, 8))


def sets(frame: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in nal_units(frame) if unit_type(unit) in (7, 8))


def test_keyframes_are_found_and_their_size_is_that_of_the_decoder() -> None:
    stream = StreamState()
    found = [stream.completed(frame) for frame in coded(11)]
    assert [is_keyframe for _, is_keyframe in found] == [number % 5 == 0 for number in range(11)]
    assert [data for data, _ in found] == coded(11)
    assert stream.size == (64, 32)


def test_a_keyframe_without_parameter_sets_gets_those_of_the_stream() -> None:
    frames = coded(6)
    stream = StreamState(sets(frames[0]))
    data, is_keyframe = stream.completed(without_sets(frames[0]))
    assert is_keyframe
    assert [*nal_units(data)] == [*nal_units(sets(frames[0])), *nal_units(without_sets(frames[0]))]
    assert stream.size == (64, 32)


def test_a_stream_of_another_size_is_measured_anew() -> None:
    stream = StreamState()
    for size in ((64, 32), (128, 96)):
        stream.completed(coded(1, size=size)[0])
        assert stream.size == size


def test_a_keyframe_that_no_player_could_show_is_refused() -> None:
    with pytest.raises(VideoError, match="without parameter sets"):
        StreamState().completed(without_sets(coded(1)[0]))
    with pytest.raises(VideoError, match="cannot be decoded"):
        StreamState(b"\0\0\1\x67\xff\0\0\1\x68\xff").completed(without_sets(coded(1)[0]))
