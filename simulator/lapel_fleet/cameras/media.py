"""What simulated cameras film: nothing, an encoded loop that all share, or frames drawn and encoded for each."""

from pathlib import Path
from typing import Protocol

import msgspec

from lapel.clock import Clock
from lapel.config import Config
from lapel.randomness import RandomSource
from lapel_fleet.hardware.footage import ComputedFootage, SimulatedFootage
from lapel_fleet.hardware.shared_clip import BlankSource, SharedClip
from lapel_fleet.scenario.scenario import Media

SMALL_PIXELS = {"width": 640, "height": 360, "bitrate_bps": 1_500_000, "preset": "ultrafast"}
"""Four cameras that draw and encode this take 0.12 cores, in 1080p 1.3 (measured, x86)."""


class MakeFootage(Protocol):
    """Makes the footage of a camera, at each of its starts."""

    def __call__(self, config: Config, clock: Clock, rng: RandomSource) -> SimulatedFootage:
        """New footage, as it is after power-on."""


def footage_maker(media: Media, clip: Path | None = None) -> MakeFootage:
    """Makes the footage of cameras that film `media`. `clip` is a video file to show instead of the drawn scene.

    Raises VideoError when it cannot be used. Only *clip* and *pixels* import OpenCV and FFmpeg, here and not before.
    """
    match media:
        case "none":
            return _blank
        case "clip":
            return _clip(clip)
        case "pixels":
            return _pixels


_BLANK = BlankSource()


def _blank(config: Config, clock: Clock, rng: RandomSource) -> SimulatedFootage:  # noqa: ARG001  # see MakeFootage
    return ComputedFootage(clock, config.prebuffer.length_s, config.video.bitrate_bps, _BLANK)


def _clip(video: Path | None) -> MakeFootage:
    from lapel_fleet.hardware.clip_encoding import encode_scene, encode_video

    clip = SharedClip(encode_scene() if video is None else encode_video(video))

    def make(config: Config, clock: Clock, rng: RandomSource) -> SimulatedFootage:  # noqa: ARG001  # see MakeFootage
        return ComputedFootage(clock, config.prebuffer.length_s, clip.bitrate_bps, clip)

    return make


def _pixels(config: Config, clock: Clock, rng: RandomSource) -> SimulatedFootage:
    from lapel_fleet.hardware.pixel_footage import PixelFootage

    video = msgspec.structs.replace(config.video, source="scene", **SMALL_PIXELS)
    return PixelFootage(msgspec.structs.replace(config, video=video), clock, rng)
