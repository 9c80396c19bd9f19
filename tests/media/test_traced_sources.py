"""Frames and sound while they are traced, and what a player makes of such a trace."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from lapel.errors import AudioError, VideoError
from lapel.hardware.interfaces import Frame, FrameFormat
from lapel.hardware.trace.format import AnyHappening, FramesCaptured, SoundArrived, read_trace
from lapel.hardware.trace.writer import TraceWriter
from lapel.media.aac import SoundFormat
from lapel.media.drift import DriftCorrector
from lapel.media.sound_sources import CHUNK_S, ToneSource
from lapel.media.traced_sources import TracedFrames, TracedSound
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.sound_source import SimulatedSoundSource
from trace_player import TracedArrivals, frame_times_s
from waited_clock import WaitedClock

FORM = SoundFormat()


class Camera:
    """Delivers a frame every 40 ms, and fails after some."""

    name = "camera"

    def __init__(self, clock: WaitedClock, frames: int) -> None:
        self._clock, self._left = clock, frames

    def open(self) -> FrameFormat:
        return FrameFormat(64, 32, 25.0)

    def read(self) -> Frame:
        self._clock.wait(0.04)
        self._left -= 1
        if self._left < 0:
            raise VideoError("camera: unplugged")
        return Frame(self._clock.now(), np.zeros((32, 64, 3), np.uint8), dropped_before=int(self._left == 0))

    def close(self) -> None:
        self._left = 0


@pytest.fixture
def clock() -> WaitedClock:
    return WaitedClock()


@pytest.fixture
def trace(tmp_path: Path, clock: WaitedClock) -> Iterator[TraceWriter]:
    writer = TraceWriter(tmp_path / "trace.jsonl", clock, {})
    yield writer
    writer.close()


def test_the_times_of_all_frames_are_traced_and_why_they_end(
    trace: TraceWriter, clock: WaitedClock, tmp_path: Path
) -> None:
    source = TracedFrames(Camera(clock, 60), trace)
    assert (source.name, source.open().rate_fps) == ("camera", 25.0)
    seen_s = [trace.at_s(source.read().captured.mono_s) for _ in range(60)]
    with pytest.raises(VideoError, match="unplugged"):
        source.read()
    source.close()
    happenings = read_trace(tmp_path / "trace.jsonl").happenings
    assert frame_times_s(happenings) == seen_s
    frames = [one for one in happenings if isinstance(one, FramesCaptured)]
    assert (len(frames), sum(one.dropped for one in frames), frames[-1].lost) == (4, 1, "camera: unplugged")


def test_a_drift_of_the_sound_card_is_in_the_trace_and_comes_out_of_it_again(
    trace: TraceWriter, clock: WaitedClock, tmp_path: Path
) -> None:
    microphone = SimulatedMicrophone(clock)
    microphone.drift(200)
    tone = SimulatedSoundSource(ToneSource(FORM, clock, clock.wait), microphone, clock)
    source = TracedSound(tone, FORM.rate_hz, trace)
    source.open()
    for _ in range(round(60 / CHUNK_S)):
        source.read()
    microphone.unplug("fell off")
    with pytest.raises(AudioError, match="fell off"):
        source.read()
    source.close()
    happenings = read_trace(tmp_path / "trace.jsonl").happenings
    samples = sum(one.samples for one in happenings if isinstance(one, SoundArrived))
    assert samples == pytest.approx(60 * FORM.rate_hz * 1.0002, abs=2)
    assert played(happenings) == pytest.approx(60.0, abs=0.01)


def played(happenings: Sequence[AnyHappening]) -> float:
    """Where the corrected sound of a trace ends, on the trace's own time line."""
    clock = WaitedClock()
    clock.seconds = 0.0
    source, corrector = TracedArrivals(happenings, clock, clock.wait), DriftCorrector(FORM.rate_hz, 0.0)
    lines = sum(isinstance(one, SoundArrived) for one in happenings)
    for _ in range(lines - 1):
        chunk = source.read()
        assert chunk.samples.max() == pytest.approx(0.3, abs=0.01)
        corrector.correct(chunk.samples, chunk.arrived_s)
    with pytest.raises(AudioError, match="fell off"):
        source.read()
    return corrector.end_s
