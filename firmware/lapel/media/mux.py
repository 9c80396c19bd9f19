"""Muxes one closed GOP into the bytes of one fragment.

A muxer that lives as long as the recording holds each fragment back until the next one begins, so every fragment gets a
short-lived muxer of its own. The header is the same each time, so fragments of one encoder can share a file.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av

from lapel import mp4_boxes as boxes
from lapel.fragment import TICKS_PER_S
from lapel.media.aac import SoundFormat, track_template

TIME_BASE = Fraction(1, TICKS_PER_S)

_OPTIONS = {
    # Not `delay_moov`: its headers differ once sound starts late.
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer",
    # Without this every fragment would claim to start at time 0.
    "avoid_negative_ts": "disabled",
}


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One encoded frame: its bytes (Annex B H.264), its time and duration in 1/90000 s."""

    data: bytes
    ticks: int
    duration_ticks: int
    is_keyframe: bool


def mux(
    frames: Sequence[EncodedFrame], width: int, height: int, number: int, sound: SoundFormat | None = None
) -> tuple[bytes, bytes]:
    """(header, body) of fragment `number`: `ftyp` + `moov`, and `moof` + `mdat` at the frames' own times.

    With a format of sound, the header also has a track for it. The sound itself is in fragments of its own
    (`mp4_boxes.sound_fragment`), so that a header is the same whether or not sound has come yet.

    The first frame must be a keyframe with its parameter sets in the stream; the muxer makes the avcC from them.
    """
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4", options={**_OPTIONS, "fragment_index": str(number)}) as container:
        track = container.add_mux_stream("h264", width=width, height=height)
        track.time_base = TIME_BASE
        if sound is not None:
            container.add_stream_from_template(track_template(sound).streams.audio[0])
        for frame in frames:
            container.mux(_packet(frame, track))
    data = sink.getvalue()
    split = boxes.find(data, b"moov").end
    return data[:split], data[split:]


def _packet(frame: EncodedFrame, track: av.stream.Stream) -> av.Packet[av.stream.Stream]:
    """A new packet for each mux: `mux()` changes the one it is given."""
    packet: av.Packet[av.stream.Stream] = av.Packet(frame.data)
    packet.pts = packet.dts = frame.ticks
    packet.duration = frame.duration_ticks
    packet.time_base = TIME_BASE
    packet.is_keyframe = frame.is_keyframe
    packet.stream = track
    return packet
