"""A shared clip with numbered frames, for simulated cameras."""

from functools import cache

from lapel import mp4_boxes as boxes
from lapel.media.encoder import Encoder, EncoderSettings
from lapel_fleet.hardware.shared_clip import FPS, SharedClip
from video_files import frame

CLIP_FRAMES = 5 * FPS


@cache
def numbered_clip() -> SharedClip:
    """Five seconds of frames whose numbers can be read back."""
    encoder = Encoder(EncoderSettings(FPS, 200_000, codec="libx264", preset="ultrafast"))
    closed = [encoder.encode(frame(number, number / FPS)) for number in range(CLIP_FRAMES)]
    gops = [gop for gop in [*closed, encoder.cut()] if gop is not None]
    return SharedClip(gops[0].header + b"".join(boxes.placed(gop.body, gop.number, gop.start_ticks) for gop in gops))
