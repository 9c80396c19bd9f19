"""Encodes sound into AAC frames, each with its place on a sample clock. Belongs to the thread that calls it."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""(channels, samples), between -1 and 1."""

FRAME_SAMPLES = 1024
"""Samples in each frame of AAC-LC."""
_OPTIONS = {"aac_coder": "fast", "aac_pns": "0", "aac_tns": "0"}
"""Without noise substitution, which would put invented noise into evidence. Half the CPU of the default."""
_LAYOUTS = {1: "mono", 2: "stereo"}


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """How sound is recorded. 64 kb/s a channel is plenty for speech."""

    rate_hz: int = 48_000
    channels: int = 1
    bitrate_bps: int = 64_000


@dataclass(frozen=True, slots=True)
class AacFrame:
    """One encoded frame, and the number of its first sample."""

    data: bytes
    start: int


class AacEncoder:
    """Encodes one uninterrupted stretch of sound."""

    def __init__(self, form: SoundFormat, start: int) -> None:
        """`start`: the number of the first sample that is encoded."""
        self._format, self._next = form, start
        self._codec = _codec(form)
        self._rest: Samples = np.zeros((form.channels, 0), np.float32)

    def encode(self, samples: Samples) -> list[AacFrame]:
        """The frames that are complete with these samples. The encoder looks one frame ahead."""
        self._rest = np.concatenate((self._rest, samples), axis=1)
        frames: list[AacFrame] = []
        while self._rest.shape[1] >= FRAME_SAMPLES:
            frames += self._encode(np.ascontiguousarray(self._rest[:, :FRAME_SAMPLES]))
            self._rest = self._rest[:, FRAME_SAMPLES:]
        return frames

    def flush(self) -> list[AacFrame]:
        """The last frames; what is missing of the last one is silence."""
        missing = -self._rest.shape[1] % FRAME_SAMPLES
        frames = self.encode(np.zeros((self._format.channels, missing), np.float32)) if missing else []
        return frames + self._taken(self._codec.encode(None))

    def _encode(self, samples: Samples) -> list[AacFrame]:
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=_LAYOUTS[self._format.channels])
        frame.sample_rate, frame.pts, frame.time_base = self._format.rate_hz, self._next, self._codec.time_base
        self._next += FRAME_SAMPLES
        return self._taken(self._codec.encode(frame))

    @staticmethod
    def _taken(packets: Iterable[Any]) -> list[AacFrame]:
        return [AacFrame(bytes(packet), packet.pts) for packet in packets if packet.pts is not None and packet.size]


@cache
def silent_frame(form: SoundFormat) -> bytes:
    """A frame that decodes to nothing but zeros, whatever stands before it."""
    encoder = AacEncoder(form, 0)
    frames = encoder.encode(np.zeros((form.channels, 4 * FRAME_SAMPLES), np.float32))
    return frames[-1].data


def _codec(form: SoundFormat) -> av.AudioCodecContext:
    codec = av.CodecContext.create("aac", "w")
    codec.sample_rate, codec.layout, codec.format = form.rate_hz, _LAYOUTS[form.channels], "fltp"
    codec.bit_rate = form.bitrate_bps * form.channels
    codec.time_base = Fraction(1, form.rate_hz)
    codec.options = dict(_OPTIONS)
    return codec


@cache
def track_template(form: SoundFormat) -> av.container.InputContainer:
    """A file with such a sound track, from which a muxer takes the track's description: PyAV has no other way to give
    it one without encoding into it.
    """
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=form.rate_hz)
        stream.layout, stream.bit_rate = _LAYOUTS[form.channels], form.bitrate_bps * form.channels
        frame = av.AudioFrame.from_ndarray(
            np.zeros((form.channels, FRAME_SAMPLES), np.float32), format="fltp", layout=_LAYOUTS[form.channels]
        )
        frame.sample_rate, frame.pts, frame.time_base = form.rate_hz, 0, Fraction(1, form.rate_hz)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return cast(av.container.InputContainer, av.open(io.BytesIO(sink.getvalue())))
