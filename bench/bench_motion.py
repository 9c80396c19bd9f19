"""The pre-event buffer beside Debian's `motion` with the same pre-capture: its memory, and frames lost at the press.

Both read the same H.264 file in real time and detect nothing. For the memory each runs twice, with a buffer of one
second and with the long one, and the difference is what the buffer takes: `motion` keeps decoded frames, we keep
encoded ones. For the loss each frame of the file shows its number, and the numbers missing between the first and the
last frame of the recording are the lost frames.
"""

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import av

from bench.figure import Figure
from bench.measuring import process_bytes
from bench.pressed_camera import pressed_camera
from lapel.clock import SystemClock
from lapel.media.scene import Scene, read_number

_SIZE, _FPS, _BITRATE_BPS = (640, 360), 15, 1_000_000
_RECORDED_S = 4.0
_WHAT = f"{_SIZE[0]}x{_SIZE[1]} at {_FPS} fps"
_PEER = "motion with the same pre-capture"
_CAMERA = Path(sys.executable).with_name("lapel-camera")
_CONFIGURATION = """
daemon off
log_level 3
netcam_url file://{source}
width {width}
height {height}
framerate {fps}
threshold {never}
movie_output {saves}
picture_output off
webcontrol_port {port}
webcontrol_parms 2
text_right
stream_port 0
target_dir {folder}
pre_capture {frames}
"""


def main(buffer_s: int = 20) -> list[Figure]:
    """Megabytes."""
    if "--short" in sys.argv:
        buffer_s = 10
    if not shutil.which("motion"):
        return []
    with tempfile.TemporaryDirectory() as folder:
        source = _source(Path(folder), buffer_s + 20)
        return [_memory(source, buffer_s), *_losses(source, buffer_s)]


def _memory(source: Path, buffer_s: int) -> Figure:
    ours, theirs = (
        (_resident_mb(command(source, buffer_s), buffer_s) - _resident_mb(command(source, 1), buffer_s))
        for command in (_camera, _motion)
    )
    return Figure(f"memory of {buffer_s} s before the press, {_WHAT}", ours, "MB", _PEER, theirs, target=1.0)


def _losses(source: Path, buffer_s: int) -> Iterator[Figure]:
    ours = _numbers(asyncio.run(_recorded(source, buffer_s)))
    theirs = _numbers(_recorded_by_motion(source, buffer_s))
    yield Figure(f"frames lost in a recording with {buffer_s} s before the press, {_WHAT}", _missing(ours), "",
                 _PEER, _missing(theirs), bound=0)  # fmt: skip
    yield Figure("  of so many frames", len(ours), "", _PEER, len(theirs))


def _camera(source: Path, buffer_s: int) -> Sequence[str | Path]:
    options = ("--loop", "--prebuffer", str(buffer_s), "--bitrate", str(_BITRATE_BPS), "--rate", str(_FPS))
    return [_CAMERA, "run", "--video", source, *options, "--evidence", source.with_name(f"evidence-{buffer_s}")]


def _motion(source: Path, buffer_s: int, port: int = 0) -> Sequence[str | Path]:
    """With a `port` for its web control it saves a video of each event."""
    configuration = source.with_name(f"motion-{buffer_s}.conf")
    configuration.write_text(
        _CONFIGURATION.format(
            source=source, width=_SIZE[0], height=_SIZE[1], fps=_FPS, never=_SIZE[0] * _SIZE[1],
            folder=source.parent, frames=buffer_s * _FPS, saves="on" if port else "off", port=port,
        )
    )  # fmt: skip
    return ["motion", "-n", "-c", configuration]


def _resident_mb(command: Sequence[str | Path], buffer_s: int) -> float:
    """Once the longer of the two buffers is full."""
    with _running(command) as process:
        sleep(buffer_s + 8)
        return process_bytes(process.pid) / 1e6


@contextmanager
def _running(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


async def _recorded(source: Path, buffer_s: int) -> Path:
    flags = {
        ("video", "source"): str(source), ("video", "rate_fps"): _FPS, ("video", "bitrate_bps"): _BITRATE_BPS,
        ("prebuffer", "length_s"): buffer_s,
    }  # fmt: skip
    async with pressed_camera(source.with_name("pressed"), flags) as camera:
        await asyncio.sleep(buffer_s + 2)
        return await camera.record(_RECORDED_S)


def _recorded_by_motion(source: Path, buffer_s: int) -> Path:
    port = _free_port()
    with _running(_motion(source, buffer_s, port)):
        sleep(buffer_s + 8)  # it takes events two seconds after the buffer is full, and some seconds to open the file
        _order(port, "eventstart")
        sleep(_RECORDED_S)
        _order(port, "eventend")
        sleep(2)
    (video,) = source.parent.glob("*-*.mkv")
    return video


def _order(port: int, action: str) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/0/action/{action}", timeout=10):
        pass


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _numbers(video: Path) -> list[int]:
    """The frame numbers that can be read in a recording."""
    with av.open(str(video)) as container:
        images = (frame.to_ndarray(format="bgr24") for frame in container.decode(video=0))
        return [number for image in images if (number := read_number(image)) is not None]


def _missing(numbers: Sequence[int]) -> int:
    return max(numbers) - min(numbers) + 1 - len(set(numbers)) if numbers else 0


def _source(folder: Path, length_s: int) -> Path:
    """The drawn street, with a number in each frame."""
    scene, begin, file = Scene(*_SIZE, "bench"), SystemClock().now(), folder / "source.mkv"
    with av.open(str(file), "w") as container:
        options = {"preset": "superfast", "g": str(_FPS)}
        stream = container.add_stream("libx264", rate=_FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = *_SIZE, "yuv420p", _BITRATE_BPS
        for number in range(length_s * _FPS):
            image = scene.draw(number, number / _FPS, begin.shifted(number / _FPS).utc)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return file
