"""Cost of making fragments, compared with encoding the same frames into one long-lived muxer."""

import io
from collections.abc import Callable
from time import perf_counter

import av

from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.hardware.interfaces import Frame
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.scene import Scene

_FPS = 30
_SETTINGS = EncoderSettings(float(_FPS), codec="libx264")


def main(sizes: tuple[tuple[int, int], ...] = ((1920, 1080), (640, 360)), count: int = 150) -> list[Figure]:
    """Milliseconds a frame, both ways in one run; drawing is not counted."""
    return [_figure(width, height, count) for width, height in sizes]


def _figure(width: int, height: int, count: int) -> Figure:
    scene, begin = Scene(width, height, "bench"), SystemClock().now()
    moments = [begin.shifted(number / _FPS) for number in range(count)]
    frames = [Frame(at, scene.draw(number, number / _FPS, at.utc)) for number, at in enumerate(moments)]
    ours, theirs = _best_ms(lambda: _fragments(frames), count), _best_ms(lambda: _plain(frames), count)
    return Figure(f"a frame of {width}x{height} into fragments", ours, "ms", "one PyAV muxer", theirs)


def _best_ms(job: Callable[[], None], count: int) -> float:
    """The faster of two runs: the other was disturbed."""
    best = float("inf")
    for _ in range(2):
        begin = perf_counter()
        job()
        best = min(best, perf_counter() - begin)
    return 1000 * best / count


def _fragments(frames: list[Frame]) -> None:
    encoder = Encoder(_SETTINGS)
    for frame in frames:
        encoder.encode(frame)
    encoder.cut()


def _plain(frames: list[Frame]) -> None:
    height, width = frames[0].image.shape[:2]
    with av.open(io.BytesIO(), "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        stream = container.add_stream("libx264", rate=_FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = _SETTINGS.bitrate_bps
        stream.options = {"preset": _SETTINGS.preset, "tune": "zerolatency", "g": str(_FPS)}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="bgr24")))
        container.mux(stream.encode(None))
