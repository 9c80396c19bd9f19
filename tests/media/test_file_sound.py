"""The sound of a video file: each sample at the time of the frame that it belongs to, in a loop too."""

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lapel.app import sound_of, source_of
from lapel.clock import Instant, Quality, SystemClock
from lapel.config import load
from lapel.errors import AudioError
from lapel.media.aac import FRAME_SAMPLES, Samples, SoundFormat
from lapel.media.file_sound import FileSound
from lapel.media.file_source import FileSource
from lapel.media.frame_fitting import Wanted
from lapel.media.sound_sources import CHUNK_S, SoundChunk
from lapel.media.sound_track import SoundTrack
from video_files import picture, write_video

FORM = SoundFormat()
FPS = 10


class HandClock:
    """A clock that only `wait` moves on."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def mono_s(self) -> float:
        return self.now_s

    def now(self) -> Instant:
        return Instant(0.0, datetime(2026, 1, 1, 8, tzinfo=UTC)).shifted(self.now_s)

    def quality(self) -> Quality:
        return "synced"

    def is_trusted(self) -> bool:
        return True

    async def sleep(self, seconds: float) -> None:
        self.wait(seconds)


def ramp(length_s: float) -> Samples:
    """Samples that carry their own time: 0 at the start, 0.1 a second later."""
    return (np.arange(round(length_s * FORM.rate_hz), dtype=np.float32) / FORM.rate_hz / 10)[None, :]


def write_film(path: Path, *, video_s: float, sound_s: float, sound_from_s: float = 0.0) -> Path:
    """A file of numbered frames whose samples carry their own time, uncompressed."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"g": "5"})
        video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=FORM.rate_hz)
        sound.layout = "mono"
        for number in range(round(video_s * FPS)):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture(number), format="bgr24")))
        container.mux(video.encode(None))
        samples = (ramp(sound_s) * 32767).astype(np.int16)
        for at in range(0, samples.shape[1], FRAME_SAMPLES):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, at : at + FRAME_SAMPLES]), format="s16", layout="mono"
            )
            frame.sample_rate, frame.time_base = FORM.rate_hz, Fraction(1, FORM.rate_hz)
            frame.pts = at + round(sound_from_s * FORM.rate_hz)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def played(path: Path, length_s: float, *, loop: bool = False, opened_after_s: float = 0.0) -> tuple[Samples, float]:
    """The sound of the first seconds of playback, and the time of its first sample in seconds since the first frame."""
    clock = HandClock()
    video = FileSource("film", f"file:{path}", clock, clock.wait, Wanted(), loop=loop)
    video.open()
    sound = video.sound(FORM)
    assert sound is not None
    begin_s, frames, chunks = clock.now_s, 0, list[SoundChunk]()
    while (now_s := clock.now_s - begin_s) < length_s:
        if now_s < opened_after_s:
            clock.wait(0.02)
        elif not chunks:
            sound.open()
        if now_s >= opened_after_s:
            chunks.append(sound.read())
        if now_s >= frames / FPS:
            video.read()
            frames += 1
    video.close()
    with pytest.raises(AudioError, match="not played"):
        sound.read()
    sound.close()
    return np.concatenate([chunk.samples for chunk in chunks], axis=1)[0], chunks[0].arrived_s - CHUNK_S - begin_s


def at(samples: Samples, at_s: float) -> float:
    """The time that the sample at a moment carries."""
    return float(samples[round(at_s * FORM.rate_hz)]) * 10


def test_sound_keeps_the_time_of_its_frames(tmp_path: Path) -> None:
    samples, begin_s = played(write_film(tmp_path / "film.mkv", video_s=3, sound_s=3), 2.5)
    assert begin_s == pytest.approx(0)
    assert [at(samples, at_s) for at_s in (0.1, 1.0, 2.3)] == pytest.approx([0.1, 1.0, 2.3], abs=0.003)


def test_the_sound_of_a_loop_begins_again_with_its_frames(tmp_path: Path) -> None:
    samples, _ = played(write_film(tmp_path / "film.mkv", video_s=1, sound_s=1.5), 3.6, loop=True)
    assert [at(samples, at_s) for at_s in (0.95, 1.05, 2.95, 3.05)] == pytest.approx(
        [0.95, 0.05, 0.95, 0.05], abs=0.003
    )


def test_where_the_file_holds_no_sound_there_is_silence(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", video_s=2, sound_s=1, sound_from_s=0.5)
    samples, _ = played(film, 3.9, loop=True)
    assert [at(samples, at_s) for at_s in (0.4, 0.7, 1.45, 1.6, 2.4, 2.7)] == pytest.approx(
        [0, 0.2, 0.95, 0, 0, 0.2], abs=0.003
    )


def test_sound_that_is_opened_late_begins_where_the_video_is(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", video_s=6, sound_s=6)
    samples, begin_s = played(film, 5.5, opened_after_s=4)
    assert begin_s == pytest.approx(4, abs=0.2)
    assert at(samples, 1.0) == pytest.approx(begin_s + 1, abs=0.003)


def test_a_file_without_sound_has_none(tmp_path: Path) -> None:
    clock = HandClock()
    path = write_video(tmp_path / "film.mkv", range(5))
    video = FileSource("film", f"file:{path}", clock, clock.wait, Wanted(), loop=False)
    video.open()
    assert video.sound(FORM) is None
    video.close()


def test_a_file_that_is_not_played_delivers_no_sound() -> None:
    clock = HandClock()
    sound = FileSound("film", "film.mkv", FORM, clock, clock.wait, lambda: None)
    with pytest.raises(AudioError, match="film: is not played yet"):
        sound.open()
    assert SoundTrack(sound, FORM, clock).has_sound


@pytest.mark.parametrize(("source", "records"), [("video", True), ("none", False), ("tone", True)])
def test_a_file_s_sound_is_recorded_unless_other_sound_or_none_is_configured(
    source: str, records: bool, tmp_path: Path
) -> None:
    film = write_film(tmp_path / "film.mkv", video_s=1, sound_s=1)
    config = load(flags={("video", "source"): str(film), ("audio", "source"): source})
    clock = SystemClock()
    assert (sound_of(config, clock, source_of(config, clock)) is not None) == records
