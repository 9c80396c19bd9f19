"""Memory of the pre-event buffer, compared with the encoded bytes that it holds, without and with sound."""

import json
import subprocess
import sys
from typing import Any

from bench.figure import Figure
from lapel_fleet.runs.measurement.resident_memory import resident_bytes

_BOUND = 1.2
_FPS = 30


def main(lengths_s: tuple[float, ...] = (30.0, 120.0), size: tuple[int, int] = (1920, 1080)) -> list[Figure]:
    """Noisy frames through encoder and buffer, each length in its own process, for two buffer fills; and small frames
    with sound, whose many small parts weigh most there.
    """
    if "--short" in sys.argv:
        lengths_s = lengths_s[:1]
    with_sound = _figure(lengths_s[0], (min(640, size[0]), min(360, size[1])), sound=True)
    return [*(_figure(length_s, size) for length_s in lengths_s), with_sound]


def _figure(length_s: float, size: tuple[int, int], *, sound: bool = False) -> Figure:
    arguments = [str(length_s), *map(str, size), *(["sound"] if sound else [])]
    run = subprocess.run([sys.executable, "-m", __name__, *arguments], check=True, capture_output=True, text=True)
    result = json.loads(run.stdout)
    what = "buffer with sound" if sound else "buffer"
    name = f"memory of a {length_s:g} s {what} at {result['mbps']:.1f} Mb/s, {result['held'] / 1e6:.0f} MB held"
    return Figure(name, result["grew"] / result["held"], "of the encoded bytes", bound=_BOUND)


def _measure(length_s: float, width: int, height: int, *, sound: bool) -> dict[str, float]:
    from lapel.clock import SystemClock
    from lapel.hardware.interfaces import Frame
    from lapel.media.encoder import Encoder, EncoderSettings
    from lapel.media.prebuffer import PreEventBuffer
    from lapel.media.scene import Scene

    scene, begin = Scene(width, height, "bench", noise=True), SystemClock().now()
    bitrate_bps = 1_000_000 if sound else 8_000_000
    settings = EncoderSettings(float(_FPS), bitrate_bps, codec="libx264", preset="ultrafast")
    encoder = Encoder(settings, _encoded_tone() if sound else None)
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


def _encoded_tone() -> Any:
    """An `EncodedSound`: the tone as far as it is taken, without waiting for it."""
    from lapel.clock import SystemClock
    from lapel.hardware.interfaces import SoundStatus
    from lapel.media.aac import AacEncoder, AacFrame, SoundFormat
    from lapel.media.sound_sources import tone

    class EncodedTone:
        def __init__(self) -> None:
            self.format, self.status = SoundFormat(), SoundStatus()
            self._next = self.number_at(SystemClock().mono_s())
            self._encoder = AacEncoder(self.format, self._next)

        def number_at(self, mono_s: float) -> int:
            return round(mono_s * self.format.rate_hz)

        def take(self, until: int, patience_s: float) -> list[AacFrame]:  # noqa: ARG002  # it waits for nothing
            count = max(0, until - self._next)
            samples = tone(self._next / self.format.rate_hz, count, self.format)
            self._next += count
            return self._encoder.encode(samples)

    return EncodedTone()


if __name__ == "__main__":
    length, columns, rows, *more = sys.argv[1:]
    print(json.dumps(_measure(float(length), int(columns), int(rows), sound=bool(more))))
