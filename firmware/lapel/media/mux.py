"""One closed GOP in, the bytes of one fragment out.

A muxer that lives as long as the recording holds each fragment back until the next begins, so every fragment gets a
short-lived muxer of its own. Its header is the same each time: that is what lets fragments of one encoder share a file.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av

from lapel import boxes
from lapel.fragment import TICKS_PER_S

TIME_BASE = Fraction(1, TICKS_PER_S)

_OPTIONS = {
    # Not `delay_moov`: its headers differ once sound starts late.
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer",
    # Without this every fragment would claim to start at time 0.
    "avoid_negative_ts": "disabled",
}


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One encoded picture: its bytes (Annex B H.264), its time and length in 1/90000 s."""

    data: bytes
    ticks: int
    duration_ticks: int
    is_keyframe: bool


def mux(pictures: Sequence[EncodedFrame], width: int, height: int, number: int) -> tuple[bytes, bytes]:
    """(header, body) of fragment `number`: `ftyp` + `moov`, and `moof` + `mdat` at the pictures' own times.

    The first picture must be a keyframe with its parameter sets in the stream; the muxer makes the avcC from them.
    """
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4", options={**_OPTIONS, "fragment_index": str(number)}) as container:
        track = container.add_mux_stream("h264", width=width, height=height)
        track.time_base = TIME_BASE
        for picture in pictures:
            container.mux(_packet(picture, track))
    data = sink.getvalue()
    split = boxes.find(data, b"moov").end
    return data[:split], data[split:]


def _packet(picture: EncodedFrame, track: av.stream.Stream) -> av.Packet[av.stream.Stream]:
    """A packet of its own for each mux: `mux()` changes what it is given."""
    packet: av.Packet[av.stream.Stream] = av.Packet(picture.data)
    packet.pts = packet.dts = picture.ticks
    packet.duration = picture.duration_ticks
    packet.time_base = TIME_BASE
    packet.is_keyframe = picture.is_keyframe
    packet.stream = track
    return packet
