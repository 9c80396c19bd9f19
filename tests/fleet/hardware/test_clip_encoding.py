import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lapel.errors import VideoError
from lapel.fragment import TICKS_PER_S
from lapel.media.aac import FRAME_SAMPLES, SoundFormat
from lapel.media.scene import read_number
from lapel.media.sound_sources import tone
from lapel_fleet.hardware.clip_encoding import scene_clip, video_clip
from lapel_fleet.hardware.shared_clip import (
    FPS,
    SOUND_FRAME_SAMPLES,
    SOUND_RATE_HZ,
    TONE_LEVEL,
    SharedClip,
    SoundRun,
)
from system.videos import film


def samples(file: bytes) -> Any:
    """The decoded sound of a file."""
    with av.open(io.BytesIO(file)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def with_sound(video: Path, to: Path, amplitude: float) -> Path:
    """The same video with a sine."""
    with av.open(str(video)) as source, av.open(str(to), "w") as container:
        video = container.add_stream_from_template(source.streams.video[0])
        track = container.add_stream("aac", rate=SOUND_RATE_HZ)
        track.layout = "mono"
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                container.mux(packet)
        sine = amplitude * np.sin(np.arange(2 * SOUND_RATE_HZ) / 20).astype(np.float32)[None, :]
        for begin in range(0, sine.shape[1], FRAME_SAMPLES):
            part = np.ascontiguousarray(sine[:, begin : begin + FRAME_SAMPLES])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE_HZ, begin, Fraction(1, SOUND_RATE_HZ)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return to


def as_file(clip: SharedClip) -> bytes:
    """The first two seconds of the loop."""
    file = clip.header
    for number in (1, 2):
        ticks = (number - 1) * TICKS_PER_S
        file += clip.body(number, ticks, FPS, TICKS_PER_S)
        if clip.has_sound:
            begin = (number - 1) * 47
            file += clip.sound(number, (number - 1) * SOUND_RATE_HZ, SoundRun(begin * FRAME_SAMPLES, 47))
    return file


def test_the_scene_is_encoded_the_same_each_time_and_small() -> None:
    clip = scene_clip(3)
    assert as_file(clip) == as_file(scene_clip(3))
    assert clip.length_s == 3.0
    assert clip.bitrate_bps < 250_000
    assert not clip.has_sound


def test_the_frames_of_the_scene_have_no_numbers() -> None:
    with av.open(io.BytesIO(as_file(scene_clip(2)))) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [(180, 320, 3)] * 60
    assert [read_number(frame) for frame in frames] == [None] * 60


def test_the_sound_of_the_scene_is_the_tone() -> None:
    clip = scene_clip(2, has_sound=True)
    played = samples(as_file(clip))
    expected = tone(0.0, played.shape[1], SoundFormat())
    middle = slice(FRAME_SAMPLES, played.shape[1] - FRAME_SAMPLES)
    assert np.corrcoef(played[0, middle], expected[0, middle])[0, 1] > 0.99
    assert (clip.level.rms_dbfs, clip.level.peak_dbfs) == pytest.approx(
        (TONE_LEVEL.rms_dbfs, TONE_LEVEL.peak_dbfs), abs=0.1
    )
    assert SOUND_FRAME_SAMPLES == FRAME_SAMPLES


def test_a_silent_run_of_a_clip_decodes_to_zeros() -> None:
    clip = scene_clip(2, has_sound=True)
    body = clip.body(1, 0, FPS, TICKS_PER_S) + clip.sound(1, 0, SoundRun(0, 46, is_silent=True))
    assert not samples(clip.header + body).any()


def test_the_sound_of_a_video_file_is_kept_and_one_without_gets_the_tone(tmp_path: Path) -> None:
    quiet = with_sound(film(tmp_path / "silent.mp4", 60), tmp_path / "quiet.mp4", amplitude=0.01)
    assert video_clip(quiet, has_sound=True).level.peak_dbfs == pytest.approx(-40, abs=1)
    assert video_clip(tmp_path / "silent.mp4", has_sound=True).level.peak_dbfs == pytest.approx(-10.5, abs=0.1)
    assert not video_clip(quiet).has_sound


@pytest.mark.parametrize(("frames", "rate_fps", "length_s"), [(80, 30, 2.0), (50, 25, 2.0), (30, 30, 1.0)])
def test_the_whole_seconds_of_a_video_file_are_used(
    tmp_path: Path, frames: int, rate_fps: int, length_s: float
) -> None:
    clip = video_clip(film(tmp_path / "mine.mp4", frames, rate_fps))
    assert clip.length_s == length_s


def test_a_file_that_is_too_short_or_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"short\.mp4: lasts less than a second"):
        video_clip(film(tmp_path / "short.mp4", 20))
    (tmp_path / "noise.mp4").write_bytes(b"noise")
    with pytest.raises(VideoError, match=r"noise\.mp4: is not a video"):
        video_clip(tmp_path / "noise.mp4")
    with pytest.raises(VideoError, match="no such file"):
        video_clip(tmp_path / "none.mp4")
