"""Sound of a microphone whose clock is wrong stays in step with the frames for hours, through the whole of it: samples,
resampling, AAC, fragments. Time passes as fast as that can be computed.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from fragments import instant
from lapel.clock import Instant
from lapel.errors import AudioError
from lapel.fragment import Fragment
from lapel.hardware.interfaces import Frame
from lapel.media.aac import SoundFormat
from lapel.media.clip import Placed
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.scene import Scene
from lapel.media.sound_sources import ToneSource
from lapel.media.sound_track import SoundTrack
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.sound_source import SimulatedSoundSource
from system.sounds import sound
from system.videos import complaints, shots
from waited_clock import WaitedClock

IN_STEP_S = 0.04
FPS = 5
BEHIND_S = 0.25
"""Frames are encoded so long after their time: their sound is encoded by then."""
WINDOW = 4
"""Fragments in each file that is read back."""
FORM = SoundFormat(bitrate_bps=32_000)


class SharedClock(WaitedClock):
    """A clock that one thread advances, no further than the other one waits."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self._due_s: float | None = None
        self._is_over = False

    def wait(self, seconds: float) -> None:
        """Block the sound thread until that time has come. Raises AudioError when it will not come any more."""
        with self._changed:
            due_s = self._due_s = self.seconds + seconds
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.seconds >= due_s or self._is_over)
            if self._is_over:
                raise AudioError("the test is over")

    def advance_to(self, to_s: float) -> None:
        """Let time pass; at each moment for which the sound thread waits, until it waits again."""
        with self._changed:
            while True:
                assert self._changed.wait_for(lambda: self._due_s is not None, 30), "the sound thread has stopped"
                assert self._due_s is not None
                if self._due_s > to_s:
                    self.seconds = to_s
                    return
                self.seconds, self._due_s = self._due_s, None
                self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


def fragments(track: SoundTrack, clock: SharedClock, length_s: float) -> Iterator[Fragment]:
    scene, first = Scene(160, 90, "drift"), round(clock.seconds * FPS) + FPS
    encoder = Encoder(EncoderSettings(FPS, 50_000, codec="libx264", preset="ultrafast"), track)
    for number in range(first, first + round(length_s * FPS)):
        clock.advance_to(number / FPS + BEHIND_S)
        captured: Instant = instant(number / FPS)
        fragment = encoder.encode(Frame(captured, scene.draw(number, number / FPS, captured.utc)))
        if fragment is not None:
            yield fragment


def differences_s(path: Path, some: Sequence[Fragment]) -> list[float]:
    """How much later than the frame the sound is, at each frame."""
    placed = (Placed(one, number, one.start_ticks - some[0].start_ticks) for number, one in enumerate(some, 1))
    path.write_bytes(b"".join(chunk for one in placed for chunk in one.for_storage().chunks))
    assert complaints(path) == ""
    track = sound(path)
    within = [(shot, track.time_within_second(shot.shown_s)) for shot in shots(path)]
    return [(at_s - shot.number / FPS + 0.5) % 1.0 - 0.5 for shot, at_s in within if at_s is not None]


@pytest.mark.parametrize("ppm", [-200, 200])
@pytest.mark.parametrize(
    ("hours", "windows"), [(0.02, 2), pytest.param(2.0, 12, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
async def test_sound_of_a_drifting_microphone_stays_in_step(
    tmp_path: Path, ppm: float, hours: float, windows: int
) -> None:
    clock = SharedClock()
    microphone = SimulatedMicrophone(clock)
    microphone.drift(ppm)
    track = SoundTrack(SimulatedSoundSource(ToneSource(FORM, clock, clock.wait), microphone, clock), FORM, clock)
    track.start()
    window, worst_s = list[Fragment](), list[float]()
    try:
        for fragment in fragments(track, clock, hours * 3600):
            window = [*window, fragment][-WINDOW:]
            spans = [one.sound_spans for one in window]
            assert all(len(one) == 1 for one in spans)
            assert all(abs(after[0][0] - before[0][1]) <= 1 for before, after in pairwise(spans))
            if fragment.number % round(hours * 3600 / windows) == WINDOW:
                worst_s.append(worst_of(tmp_path, window))
    finally:
        clock.end()
        await asyncio.to_thread(track.stop, 5)
    worst_s.append(worst_of(tmp_path, window))
    assert len(worst_s) == windows + 1
    assert max(worst_s) < IN_STEP_S, [f"{one:.3f}" for one in worst_s]


def worst_of(folder: Path, window: Sequence[Fragment]) -> float:
    found = differences_s(folder / "window.mp4", window)
    assert len(found) >= 5
    return max(map(abs, found))
