"""What simulated cameras film: nothing, an encoded loop that all share, or frames drawn and encoded for each; and the
sound to it.
"""

from functools import cache
from pathlib import Path
from typing import Protocol

import msgspec

from lapel.clock import Clock
from lapel.config import Config
from lapel.randomness import RandomSource
from lapel_fleet.hardware.footage import ComputedFootage, SimulatedFootage
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.shared_clip import BlankSource, SharedClip
from lapel_fleet.scenario.scenario import Media

SMALL_PIXELS = {"width": 640, "height": 360, "bitrate_bps": 1_500_000, "preset": "ultrafast"}
"""Four cameras that draw and encode this take 0.12 cores, in 1080p 1.3 (measured, x86)."""


class MakeFootage(Protocol):
    """Makes the footage of a camera, at each of its starts."""

    def __call__(
        self, config: Config, clock: Clock, rng: RandomSource, microphone: SimulatedMicrophone
    ) -> SimulatedFootage:
        """New footage, as it is after power-on. Without sound where `config` names no source of it."""


def footage_maker(media: Media, clip: Path | None = None, *, has_sound: bool = False) -> MakeFootage:
    """Makes the footage of cameras that film `media`. `clip` is a video file to show instead of the drawn scene.

    `has_sound`: whether most cameras record sound; then a clip that cannot be used is found here. Raises VideoError
    when it cannot be used. Only *clip* and *pixels* import OpenCV and FFmpeg, here and not before.
    """
    match media:
        case "none":
            return _blank
        case "clip":
            return _clip(clip, has_sound=has_sound)
        case "pixels":
            return _pixels


_BLANK, _BLANK_WITH_SOUND = BlankSource(), BlankSource(has_sound=True)


def _records_sound(config: Config) -> bool:
    """Without a source of its own, a simulated camera's video has no sound."""
    return config.audio.source not in ("none", "video")


def _blank(
    config: Config,
    clock: Clock,
    rng: RandomSource,  # noqa: ARG001  # see MakeFootage
    microphone: SimulatedMicrophone,
) -> SimulatedFootage:
    source = _BLANK_WITH_SOUND if _records_sound(config) else _BLANK
    return ComputedFootage(clock, config.prebuffer.length_s, config.video.bitrate_bps, source, microphone)


def _clip(video: Path | None, *, has_sound: bool) -> MakeFootage:
    from lapel_fleet.hardware.clip_encoding import scene_clip, video_clip

    @cache
    def clip(with_sound: bool) -> SharedClip:
        return scene_clip(has_sound=with_sound) if video is None else video_clip(video, has_sound=with_sound)

    def make(
        config: Config,
        clock: Clock,
        rng: RandomSource,  # noqa: ARG001  # see MakeFootage
        microphone: SimulatedMicrophone,
    ) -> SimulatedFootage:
        one = clip(_records_sound(config))
        return ComputedFootage(clock, config.prebuffer.length_s, one.bitrate_bps, one, microphone)

    clip(has_sound)
    return make


def _pixels(config: Config, clock: Clock, rng: RandomSource, microphone: SimulatedMicrophone) -> SimulatedFootage:
    from lapel_fleet.hardware.pixel_footage import PixelFootage

    video = msgspec.structs.replace(config.video, source="scene", **SMALL_PIXELS)
    return PixelFootage(msgspec.structs.replace(config, video=video), clock, rng, microphone=microphone)
