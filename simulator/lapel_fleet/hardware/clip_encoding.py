"""Encodes the loop of a `SharedClip` with the firmware's encoder: the drawn scene, or a video file.

The loop is a file that any player plays. It is encoded once per run, in about a second, and sent to worker processes as
bytes; so nothing is cached, and there is no binary in the repository.
"""

from datetime import UTC, datetime
from pathlib import Path

from lapel import mp4_boxes as boxes
from lapel.clock import Instant, Quality
from lapel.errors import VideoEnded, VideoError
from lapel.fragment import Fragment
from lapel.hardware.interfaces import FrameSource
from lapel.media.capture import open_source
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.frame_fitting import Wanted
from lapel.media.scene import cover_number
from lapel_fleet.hardware.shared_clip import FPS, GOP_S

SCENE_S = 10
"""Length of the loop of the drawn scene."""
LONGEST_S = 60
"""Of a longer video, only its first minute is used."""
_WANTED = Wanted(height=180, rate_fps=FPS)
_BITRATE_BPS = 150_000
_NAME = "shared clip"


def encode_scene(length_s: int = SCENE_S) -> bytes:
    """The drawn scene, 320x180, without frame numbers: in a loop they would look like missing frames."""
    return _encode("scene", length_s)


def encode_video(video: Path) -> bytes:
    """The whole seconds of a video file, 180 rows high. Raises VideoError when it is no video or has none of them."""
    return _encode(str(video), LONGEST_S)


def _encode(spec: str, length_s: int) -> bytes:
    clock = _FileClock()
    source = open_source(spec, clock, wait=clock.wait, wanted=_WANTED, loop=False, camera=_NAME)
    try:
        gops = _gops(source, length_s, numbered=spec == "scene")
    finally:
        source.close()
    if not gops:
        raise VideoError(f"{spec}: lasts less than a second; a loop needs one at least")
    bodies = (boxes.placed(gop.body, number, gop.start_ticks) for number, gop in enumerate(gops, 1))
    return gops[0].header + b"".join(bodies)


def _gops(source: FrameSource, length_s: int, *, numbered: bool) -> list[Fragment]:
    """The first whole GOPs of a source. A GOP closes at the next frame."""
    encoder, gops = Encoder(_settings()), []
    source.open()
    for _ in range(round(length_s * FPS)):
        try:
            frame = source.read()
        except VideoEnded:
            break
        if numbered:
            cover_number(frame.image)
        gops.append(encoder.encode(frame))
    gops.append(encoder.cut())
    return [gop for gop in gops if gop is not None and gop.frames == GOP_S * FPS]


def _settings() -> EncoderSettings:
    return EncoderSettings(FPS, _BITRATE_BPS, GOP_S, codec="libx264", threads=1)


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
