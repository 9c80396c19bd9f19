"""Encodes the loop of a `SharedClip` with the firmware's encoder: the drawn scene, or a video file; with sound or not.

The loop is a file that any player plays. Each process encodes it once, in about a second; so there is no binary in the
repository.
"""

import math
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np

from lapel import mp4_boxes as boxes
from lapel.clock import Instant, Quality
from lapel.errors import VideoEnded, VideoError
from lapel.fragment import Fragment
from lapel.hardware.interfaces import FrameSource, SoundStatus
from lapel.media.aac import AacEncoder, AacFrame, Samples, SoundFormat, silent_frame
from lapel.media.capture import open_source
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.frame_fitting import Wanted
from lapel.media.scene import cover_number
from lapel.media.sound_sources import resampled, resampler, tone
from lapel.media.sound_track import dbfs
from lapel_fleet.hardware.shared_clip import FPS, GOP_S, SOUND_RATE_HZ, SharedClip, SoundLevel

SCENE_S = 10
"""Length of the loop of the drawn scene."""
LONGEST_S = 60
"""Of a longer video, only its first minute is used."""
_WANTED = Wanted(height=180, rate_fps=FPS)
_BITRATE_BPS = 150_000
_NAME = "shared clip"
_SOUND = SoundFormat(SOUND_RATE_HZ)


def scene_clip(length_s: int = SCENE_S, *, has_sound: bool = False) -> SharedClip:
    """The drawn scene, 320x180, without frame numbers: in a loop they would look like missing frames. Its sound is the
    test tone.
    """
    sound = _ClipSound(tone(0.0, length_s * SOUND_RATE_HZ, _SOUND)) if has_sound else None
    return _clip("scene", length_s, sound)


def video_clip(video: Path, *, has_sound: bool = False) -> SharedClip:
    """The whole seconds of a video file, 180 rows high, with its own sound, or the test tone where it has none.

    Raises VideoError when it is no video or has none of them.
    """
    return _clip(str(video), LONGEST_S, _ClipSound(_sound_of(video)) if has_sound else None)


def _clip(spec: str, length_s: int, sound: "_ClipSound | None") -> SharedClip:
    loop = _encode(spec, length_s, sound)
    return SharedClip(loop) if sound is None else SharedClip(loop, sound.level, silent_frame(_SOUND))


def _encode(spec: str, length_s: int, sound: "_ClipSound | None") -> bytes:
    clock = _FileClock()
    source = open_source(spec, clock, wait=clock.wait, wanted=_WANTED, loop=False, camera=_NAME)
    try:
        gops = _gops(source, length_s, sound, numbered=spec == "scene")
    finally:
        source.close()
    if not gops:
        raise VideoError(f"{spec}: lasts less than a second; a loop needs one at least")
    bodies = (boxes.placed(gop.body, number, gop.start_ticks) + gop.sound for number, gop in enumerate(gops, 1))
    return gops[0].header + b"".join(bodies)


def _gops(source: FrameSource, length_s: int, sound: "_ClipSound | None", *, numbered: bool) -> list[Fragment]:
    """The first whole GOPs of a source. A GOP closes at the next frame."""
    encoder, gops = Encoder(_settings(), sound), []
    source.open()
    for number in range(round(length_s * FPS)):
        try:
            frame = source.read()
        except VideoEnded:
            break
        if sound is not None and number == 0:
            sound.begin_s = frame.captured.mono_s
        if numbered:
            cover_number(frame.image)
        gops.append(encoder.encode(frame))
    gops.append(encoder.cut())
    return [gop for gop in gops if gop is not None and gop.frames == GOP_S * FPS]


def _settings() -> EncoderSettings:
    return EncoderSettings(FPS, _BITRATE_BPS, GOP_S, codec="libx264", threads=1)


class _ClipSound:
    """Implements `EncodedSound`: encoded as far as it is taken; silence follows where the samples end."""

    format, status = _SOUND, SoundStatus()

    def __init__(self, samples: Samples) -> None:
        self._samples, self._next, self._encoder = samples, 0, AacEncoder(_SOUND, 0)
        self._encoded: list[AacFrame] = []
        self.begin_s = 0.0
        """Time of the first frame of the video, to which the first sample belongs."""
        rms, peak = math.sqrt(float(np.mean(samples**2))), float(np.max(np.abs(samples)))
        self.level = SoundLevel(dbfs(rms), dbfs(peak))

    def number_at(self, mono_s: float) -> int:
        """See `EncodedSound.number_at`."""
        return round((mono_s - self.begin_s) * SOUND_RATE_HZ)

    def take(self, until: int, patience_s: float) -> list[AacFrame]:  # noqa: ARG002  # nothing is waited for
        """See `EncodedSound.take`."""
        while not self._encoded or self._encoded[-1].start < until:
            part = self._samples[:, self._next : self._next + SOUND_RATE_HZ]
            self._encoded += self._encoder.encode(np.pad(part, ((0, 0), (0, SOUND_RATE_HZ - part.shape[1]))))
            self._next += SOUND_RATE_HZ
        taken = [frame for frame in self._encoded if frame.start < until]
        self._encoded = self._encoded[len(taken) :]
        return taken


def _sound_of(video: Path) -> Samples:
    """The sound of a video file, from its beginning; the tone where it has none."""
    parts: list[Samples] = []
    to_format = resampler(_SOUND)
    try:
        with av.open(str(video)) as container:
            for stream in container.streams.audio[:1]:
                for packet in container.demux(stream):
                    parts += [part.to_ndarray().astype(np.float32) for part in resampled(packet, to_format)]
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{video}: is not a video: {error}") from error
    length = LONGEST_S * SOUND_RATE_HZ
    return np.concatenate(parts, axis=1)[:, :length] if parts else tone(0.0, length, _SOUND)


class _FileClock:
    """A clock that only `wait` moves on, at once: a source in real time then delivers without waiting."""

    def __init__(self) -> None:
        self._s = 0.0

    def wait(self, seconds: float) -> None:
        self._s += seconds

    def mono_s(self) -> float:
        return self._s

    def now(self) -> Instant:
        return Instant(0.0, datetime(2026, 1, 1, 8, tzinfo=UTC)).shifted(self._s)

    def quality(self) -> Quality:
        return "unsynced"

    def is_trusted(self) -> bool:
        return False

    async def sleep(self, seconds: float) -> None:
        self.wait(seconds)
