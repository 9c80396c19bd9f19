"""What a small board must give: time to import, memory with a 30 s buffer at 720p, CPU while nothing happens."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import av

from bench.figure import Figure
from bench.measuring import process_bytes, process_cpu_s
from lapel.media.encoder import EncoderSettings, open_codec

_SIZE, _FPS, _BUFFER_S = (1280, 720), 30, 30
_CAMERA = Path(sys.executable).with_name("lapel-camera")


def main() -> list[Figure]:
    """A camera that buffers its source's own H.264: what it needs beside an encoder."""
    with TemporaryDirectory() as folder:
        return [_import_figure(), *_running_figures(Path(folder))]


def _import_figure() -> Figure:
    """The faster of three."""
    best_ms = float("inf")
    for _ in range(3):
        begin = perf_counter()
        subprocess.run([_CAMERA, "--version"], check=True, stdout=subprocess.DEVNULL)
        best_ms = min(best_ms, 1000 * (perf_counter() - begin))
    return Figure("lapel-camera --version", best_ms, "ms", bound=2_000)


def _running_figures(folder: Path) -> list[Figure]:
    source = _source(folder / "source.mp4")
    command = [_CAMERA, "run", "--video", source, "--loop", "--codec", "copy", "--evidence", folder / "evidence"]
    camera = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        sleep(_BUFFER_S + 5)
        before_s = process_cpu_s(camera.pid)
        sleep(10)
        cpu_percent = 100 * (process_cpu_s(camera.pid) - before_s) / 10
        resident_mb = process_bytes(camera.pid, "VmHWM") / 1e6
    finally:
        camera.terminate()
        camera.wait()
    return [
        Figure("resident memory, 720p, 30 s buffered, codec = copy", resident_mb, "MB", bound=250),
        Figure("CPU of a camera that buffers, codec = copy", cpu_percent, "%", bound=10),
    ]


def _source(path: Path) -> Path:
    """Ten seconds of noise at 4 Mb/s, as a camera's encoder sends it."""
    codec, _, _ = open_codec(EncoderSettings(_FPS, 4_000_000, codec="libx264"), *_SIZE)
    with av.open(str(path), "w") as container:
        track = container.add_mux_stream("h264", width=_SIZE[0], height=_SIZE[1])
        for number in range(10 * _FPS):
            frame = av.VideoFrame(*_SIZE, "yuv420p")
            frame.planes[0].update(os.urandom(frame.planes[0].buffer_size))
            frame.pts = number * 3_000
            if number % _FPS == 0:
                frame.pict_type = av.video.frame.PictureType.I
            for packet in codec.encode(frame):
                packet.stream = track
                container.mux(packet)
    return path
