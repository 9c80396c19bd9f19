"""CPU of making fragments of 1080p30, beside the `ffmpeg` command and beside the encoder alone.

All with the same frames, preset, bitrate and one thread, in turn. Ours takes frames as OpenCV delivers them and has
fragments in a buffer at the end; `ffmpeg` reads the same frames from a file in memory and writes fragmented MP4 to
nowhere, its start (one frame) not counted; the encoder alone gets frames that are converted already.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np

from bench.figure import Figure, compared
from bench.measuring import command_cpu_s, cpu_s, in_turn
from lapel.clock import SystemClock
from lapel.hardware.interfaces import Frame
from lapel.media.encoder import Encoder, EncoderSettings, open_codec
from lapel.media.prebuffer import PreEventBuffer
from lapel.media.scene import Scene

FPS = 30
SETTINGS = EncoderSettings(float(FPS), codec="libx264")
"""As a camera has them; also for other benchmarks."""
_ONE_THREAD = EncoderSettings(float(FPS), codec="libx264", threads=1)
_MEMORY = Path("/dev/shm")
_FFMPEG_TARGET, _BARE_TARGET = 0.80, 1.15


def main(size: tuple[int, int] = (1920, 1080), count: int = 90, rounds: int = 5) -> list[Figure]:
    """Milliseconds of CPU a frame; drawing is not counted. `--video FILE` on the command line adds real footage."""
    if "--short" in sys.argv:
        count, rounds = 60, 3
    figures = []
    for content in ("drawn", "noisy", *videos()):
        with _frames(content, size, count) as (file, frames):
            figures += _figures(content, file, frames, rounds)
    return figures


def _figures(content: str, file: Path, frames: list[Frame], rounds: int) -> Iterator[Figure]:
    width, height = frames[0].image.shape[1], frames[0].image.shape[0]
    planes = [cv2.cvtColor(frame.image, cv2.COLOR_BGR2YUV_I420) for frame in frames]
    name, ms = f"{content} frames of {width}x{height} into fragments", 1000 / len(frames)
    ours, bare = in_turn(
        lambda: ms * cpu_s(lambda: fragments(frames)), lambda: ms * cpu_s(lambda: _bare(planes)), rounds=rounds
    )
    yield compared(f"{name}, CPU a frame", ours, "the encoder alone", bare, "ms", target=_BARE_TARGET)
    if shutil.which("ffmpeg"):
        command = _ffmpeg(file, width, height)
        start_s = min(command_cpu_s([*command[:-1], "-frames:v", "1", command[-1]]) for _ in range(3))
        ours, theirs = in_turn(
            lambda: ms * cpu_s(lambda: fragments(frames)),
            lambda: ms * (command_cpu_s(command) - start_s),
            rounds=rounds,
        )
        yield compared(f"{name}, CPU a frame", ours, "ffmpeg", theirs, "ms", target=_FFMPEG_TARGET)


def fragments(frames: list[Frame]) -> None:
    """Encode them into a buffer, as a camera does."""
    encoder, buffer = Encoder(_ONE_THREAD), PreEventBuffer(60.0, 10**9)
    for frame in frames:
        if (fragment := encoder.encode(frame)) is not None:
            buffer.append(fragment)
    if (last := encoder.cut()) is not None:
        buffer.append(last)


def _bare(planes: list[np.ndarray]) -> None:
    rows, width = planes[0].shape
    codec, _, _ = open_codec(_ONE_THREAD, width, rows * 2 // 3)
    for number, image in enumerate(planes):
        frame = av.VideoFrame.from_numpy_buffer(image, format="yuv420p")
        frame.pts = number * 90_000 // FPS
        if number % FPS == 0:
            frame.pict_type = av.video.frame.PictureType.I
        codec.encode(frame)
    codec.encode(None)


def _ffmpeg(file: Path, width: int, height: int) -> list[str | Path]:
    bitrate = str(_ONE_THREAD.bitrate_bps)
    return [
        "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(FPS),
        "-i", file, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", _ONE_THREAD.preset, "-tune", "zerolatency",
        "-threads", "1", "-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate, "-g", str(FPS), "-bf", "0",
        "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-y", "/dev/null",
    ]  # fmt: skip


@contextmanager
def _frames(content: str, size: tuple[int, int], count: int) -> Iterator[tuple[Path, list[Frame]]]:
    """A file of raw frames, and the same as a video source delivers them."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        file, begin = Path(folder) / "frames.bgr", SystemClock().now()
        images = (
            _drawn(size, count, noise=content == "noisy")
            if content in ("drawn", "noisy")
            else _read(content, size, count)
        )
        with file.open("wb") as out:
            for image in images:
                out.write(image.tobytes())
        pixels = np.fromfile(file, np.uint8).reshape(-1, size[1], size[0], 3)
        yield file, [Frame(begin.shifted(number / FPS), image) for number, image in enumerate(pixels)]


def _drawn(size: tuple[int, int], count: int, *, noise: bool) -> Iterator[np.ndarray]:
    scene, begin = Scene(*size, "bench", noise=noise), SystemClock().now()
    for number in range(count):
        yield scene.draw(number, number / FPS, begin.shifted(number / FPS).utc)


def _read(video: str, size: tuple[int, int], count: int) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(video)
    for _ in range(count):
        is_read, image = capture.read()
        if not is_read:
            return
        yield cv2.resize(image, size)


def videos() -> list[str]:
    """Real footage, where it is named."""
    return [after for option, after in zip(sys.argv, sys.argv[1:], strict=False) if option == "--video"]
