"""What simulated cameras film, by fidelity: nothing, a loop that all share, or pictures of their own."""

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


class Filming(Protocol):
    """Makes a camera's footage, at each of its starts."""

    def __call__(self, config: Config, clock: Clock, rng: RandomSource) -> SimulatedFootage:
        """Lens, encoder and pre-event buffer, as they are after power-on."""


def filming(media: Media, clip: Path | None = None) -> Filming:
    """How cameras of that fidelity film. `clip` is a video of somebody's own to show. Raises VideoError for a bad one.

    Only *clip* and *pixels* import OpenCV and FFmpeg, here and not before.
    """
    match media:
        case "none":
            return _blank
        case "clip":
            return _clip(clip)
        case "pixels":
            return _pixels


_BLANK = BlankSource()


def _blank(config: Config, clock: Clock, rng: RandomSource) -> SimulatedFootage:  # noqa: ARG001  # see Filming
    return ComputedFootage(clock, config.prebuffer.length_s, config.video.bitrate_bps, _BLANK)


def _clip(video: Path | None) -> Filming:
    from lapel_fleet.hardware.clip_encoding import drawn_loop, filmed_loop

    reel = SharedClip(drawn_loop() if video is None else filmed_loop(video))

    def film(config: Config, clock: Clock, rng: RandomSource) -> SimulatedFootage:  # noqa: ARG001  # see Filming
        return ComputedFootage(clock, config.prebuffer.length_s, reel.bitrate_bps, reel)

    return film


def _pixels(config: Config, clock: Clock, rng: RandomSource) -> SimulatedFootage:
    from lapel_fleet.hardware.pixel_footage import PixelFootage

    video = msgspec.structs.replace(config.video, source="scene", **SMALL_PIXELS)
    return PixelFootage(msgspec.structs.replace(config, video=video), clock, rng)
