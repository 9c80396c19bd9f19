"""Memory of the pre-event buffer, compared with the encoded bytes that it holds."""

import json
import subprocess
import sys

from bench.figure import Figure
from lapel_fleet.runs.measurement.resident_memory import resident_bytes

_BOUND = 1.2
_FPS = 30


def main(lengths_s: tuple[float, ...] = (30.0, 120.0), size: tuple[int, int] = (1920, 1080)) -> list[Figure]:
    """Noisy frames through encoder and buffer, each length in its own process, for two buffer fills."""
    return [_figure(length_s, size) for length_s in lengths_s]


def _figure(length_s: float, size: tuple[int, int]) -> Figure:
    arguments = [str(length_s), *map(str, size)]
    run = subprocess.run([sys.executable, "-m", __name__, *arguments], check=True, capture_output=True, text=True)
    result = json.loads(run.stdout)
    name = f"memory of a {length_s:g} s buffer at {result['mbps']:.1f} Mb/s, {result['held'] / 1e6:.0f} MB held"
    return Figure(name, result["grew"] / result["held"], "of the encoded bytes", bound=_BOUND)


def _measure(length_s: float, width: int, height: int) -> dict[str, float]:
    from lapel.clock import SystemClock
    from lapel.hardware.interfaces import Frame
    from lapel.media.encoder import Encoder, EncoderSettings
    from lapel.media.prebuffer import PreEventBuffer
    from lapel.media.scene import Scene

    scene, begin = Scene(width, height, "bench", noise=True), SystemClock().now()
    encoder = Encoder(EncoderSettings(float(_FPS), codec="libx264", preset="ultrafast"))
    buffer = PreEventBuffer(length_s, 10**9)

    def record(first: int, last: int) -> None:
        for number in range(first, last):
            moment = begin.shifted(number / _FPS)
            fragment = encoder.encode(Frame(moment, scene.draw(number, number / _FPS, moment.utc)))
            if fragment is not None:
                buffer.append(fragment)

    record(0, 2 * _FPS)  # libraries loaded, encoder warm, the first fragments made
    before, warm = resident_bytes(), buffer.held_bytes
    record(2 * _FPS, round((2 + 2 * length_s) * _FPS))
    held = buffer.held_bytes
    return {"grew": resident_bytes() - before, "held": held - warm, "mbps": 8e-6 * held / buffer.held_s}


if __name__ == "__main__":
    print(json.dumps(_measure(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
