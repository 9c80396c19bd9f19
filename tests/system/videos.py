"""Video files: made for a test, and checked with ffmpeg, ffprobe and PyAV."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av

from lapel.clock import Instant, SystemClock
from lapel.hardware.interfaces import Image
from lapel.media.aac import SoundFormat
from lapel.media.scene import NUMBER_BITS, Scene, read_number
from lapel.media.sound_sources import tone
from lapel.mp4_boxes import extent
from system.brokers import real
from video_files import write_video

SCENE_FPS = 30


def film(path: Path, frames: int, rate_fps: int = 30) -> Path:
    """A file of numbered frames, 64x32."""
    return write_video(path, range(frames), rate_fps=rate_fps)


def length_s(path: Path) -> float:
    """Its length in seconds, according to ffprobe."""
    options = ["-v", "error", "-show_entries", "format=duration", "-of", "default=nokey=1:noprint_wrappers=1"]
    return float(_output(real("ffprobe"), *options, str(path)).stdout)


def complaints(path: Path) -> str:
    """The warnings and errors of ffmpeg while it decodes all of it: empty for a sound file."""
    return _output(real("ffmpeg"), "-v", "warning", "-i", str(path), "-f", "null", "-").stderr


def _output(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True, timeout=60)


def film_with_sound(path: Path, length_s: float) -> Path:
    """A file of the drawn scene and the tone that belongs to its frames, in the container that its suffix names."""
    form, first = SoundFormat(), round(SystemClock().mono_s() * SCENE_FPS)
    scene, now = Scene(320, 180, "film"), SystemClock().now()
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=SCENE_FPS, options={"preset": "ultrafast", "g": "30"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        sound = container.add_stream("aac", rate=form.rate_hz)
        sound.layout = "mono"
        for number in range(round(length_s * SCENE_FPS)):
            begin_s, count = (first + number) / SCENE_FPS, form.rate_hz // SCENE_FPS
            image = scene.draw(first + number, begin_s, now.utc)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            part = av.AudioFrame.from_ndarray(tone(begin_s, count, form), format="fltp", layout="mono")
            part.sample_rate, part.pts, part.time_base = form.rate_hz, number * count, Fraction(1, form.rate_hz)
            container.mux(sound.encode(part))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame of the drawn scene as it was read back: when it is shown, and the number drawn into it."""

    shown_s: float
    number: int


def shots(path: Path) -> list[Shot]:
    """Every frame of a recorded scene. Each number must be readable."""
    with av.open(str(path)) as container:
        return [*_decoded(container)]


def whole_part(path: Path, to: Path) -> Path:
    """The file up to the fragment that a failing disk tore, which a recording keeps as evidence of that."""
    with path.open("rb") as video:
        whole_bytes = extent(video).whole_bytes
        video.seek(0)
        to.write_bytes(video.read(whole_bytes))
    return to


def _decoded(container: av.container.InputContainer) -> Iterator[Shot]:
    for frame in container.decode(video=0):
        number = read_number(cast(Image, frame.to_ndarray(format="bgr24")))
        assert number is not None, f"no number in the frame at {frame.time} s"
        assert frame.time is not None
        yield Shot(frame.time, number)


def captured_s(number: int, near: Instant) -> float:
    """Monotonic seconds at which the scene's frame `number` was captured: the time next to `near` that fits."""
    there = round(near.mono_s * SCENE_FPS)
    half = 1 << (NUMBER_BITS - 1)
    away = (number - there + half) % (2 * half) - half
    return (there + away) / SCENE_FPS
