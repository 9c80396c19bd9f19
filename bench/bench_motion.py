"""Memory that a longer pre-event buffer costs, ours and Debian's `motion` with the same pre-capture.

Both read the same H.264 file in real time and detect nothing; each runs twice, with a buffer of one second and with
the long one, and the difference is what the buffer takes. `motion` keeps decoded frames, we keep encoded ones.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import sleep

from bench.figure import Figure
from bench.measuring import process_bytes

_SIZE, _FPS, _BITRATE_BPS = (640, 360), 15, 1_000_000
_CAMERA = Path(sys.executable).with_name("lapel-camera")
_CONFIGURATION = """
daemon off
log_level 3
netcam_url file://{source}
width {width}
height {height}
framerate {fps}
threshold {never}
movie_output off
picture_output off
webcontrol_port 0
stream_port 0
target_dir {folder}
pre_capture {frames}
"""


def main(buffer_s: int = 20) -> list[Figure]:
    """Megabytes."""
    if "--short" in sys.argv:
        buffer_s = 10
    if not (shutil.which("motion") and shutil.which("ffmpeg")):
        return []
    with tempfile.TemporaryDirectory() as folder:
        source = _source(Path(folder), buffer_s + 20)
        ours, theirs = (
            (_resident_mb(command(source, buffer_s), buffer_s) - _resident_mb(command(source, 1), buffer_s))
            for command in (_camera, _motion)
        )
    name = f"memory of {buffer_s} s before the press, {_SIZE[0]}x{_SIZE[1]} at {_FPS} fps"
    return [Figure(name, ours, "MB", "motion with the same pre-capture", theirs, target=1.0)]


def _camera(source: Path, buffer_s: int) -> Sequence[str | Path]:
    options = ("--loop", "--prebuffer", str(buffer_s), "--bitrate", str(_BITRATE_BPS), "--rate", str(_FPS))
    return [_CAMERA, "run", "--video", source, *options, "--evidence", source.with_name(f"evidence-{buffer_s}")]


def _motion(source: Path, buffer_s: int) -> Sequence[str | Path]:
    configuration = source.with_name(f"motion-{buffer_s}.conf")
    configuration.write_text(
        _CONFIGURATION.format(
            source=source, width=_SIZE[0], height=_SIZE[1], fps=_FPS, never=_SIZE[0] * _SIZE[1],
            folder=source.parent, frames=buffer_s * _FPS,
        )
    )  # fmt: skip
    return ["motion", "-n", "-c", configuration]


def _resident_mb(command: Sequence[str | Path], buffer_s: int) -> float:
    """Once the longer of the two buffers is full."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        sleep(buffer_s + 8)
        return process_bytes(process.pid) / 1e6
    finally:
        process.terminate()
        process.wait()


def _source(path: Path, length_s: int) -> Path:
    """A moving pattern."""
    pattern = f"testsrc2=size={_SIZE[0]}x{_SIZE[1]}:rate={_FPS}:duration={length_s}"
    coded = ("-c:v", "libx264", "-preset", "superfast", "-b:v", str(_BITRATE_BPS), "-g", str(_FPS))
    file = path / "source.mkv"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", pattern, *coded, file], check=True)
    return file
