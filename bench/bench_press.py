"""From the press to the disk: the first fragment, and everything from before the press, each written and synced.

The camera buffers the drawn street at 1080p; real footage with `--video FILE`, scaled up. What it takes depends on
the disk that holds the system's folder for temporary files.
"""

import asyncio
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.bench_encoder import videos
from bench.figure import Figure
from bench.pressed_camera import PressedCamera, pressed_camera
from lapel.clock import SystemClock

_SIZE, _FPS = (1920, 1080), 30
_RECORDED_S = 2.0


def main(buffer_s: float = 20.0, presses: int = 3) -> list[Figure]:
    """Milliseconds, of several presses with a full buffer."""
    if "--short" in sys.argv:
        buffer_s, presses = 10.0, 2
    return [figure for video in (None, *videos()) for figure in _figures(video, buffer_s, presses)]


def _figures(video: str | None, buffer_s: float, presses: int) -> list[Figure]:
    with TemporaryDirectory() as folder:
        first_s, whole_s = asyncio.run(_measured(Path(folder), video, buffer_s, presses))
    name = f"press to disk, {buffer_s:g} s of {'real' if video else 'drawn'} frames of {_SIZE[0]}x{_SIZE[1]} buffered"
    return [
        Figure(f"{name}: first fragment, median", 1000 * median(first_s), "ms"),
        Figure("  … the slowest", 1000 * max(first_s), "ms"),
        Figure("  everything from before the press, median", 1000 * median(whole_s), "ms"),
        Figure("  … the slowest", 1000 * max(whole_s), "ms"),
    ]


async def _measured(folder: Path, video: str | None, buffer_s: float, presses: int) -> tuple[list[float], list[float]]:
    flags = {
        ("video", "source"): video or "scene", ("video", "loop"): True, ("video", "width"): _SIZE[0],
        ("video", "height"): _SIZE[1], ("video", "rate_fps"): None if video else _FPS,
        ("prebuffer", "length_s"): buffer_s,
    }  # fmt: skip
    first_s, whole_s = list[float](), list[float]()
    async with pressed_camera(folder, flags) as camera:
        for _ in range(presses):
            await asyncio.sleep(buffer_s + 2.0)
            first, whole = await _press(camera)
            first_s.append(first)
            whole_s.append(whole)
    return first_s, whole_s


async def _press(camera: PressedCamera) -> tuple[float, float]:
    """Seconds to the first fragment on disk, and to all from before the press; the recording is ended."""
    pressed_s = SystemClock().mono_s()
    camera.app.camera.press()
    first, whole = await camera.event("recording-started"), await camera.event("prebuffer-saved")
    await asyncio.sleep(_RECORDED_S)
    camera.app.camera.press()
    await camera.event("recording-saved")
    return first.mono_s - pressed_s, whole.mono_s - pressed_s
