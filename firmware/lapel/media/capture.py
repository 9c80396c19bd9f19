"""Where frames come from: a device, a file, an address, or a drawn scene. Each is a FrameSource.

A source is opened, read and closed in one thread; `footage.py` runs that thread and handles a source that stalls.
"""

import re
from collections.abc import Callable
from pathlib import Path

from lapel.clock import Clock
from lapel.credentials import without_credentials
from lapel.errors import VideoError
from lapel.hardware.interfaces import FrameSource
from lapel.media.file_source import FileSource
from lapel.media.frame_fitting import DEFAULT_FORMAT, Wanted
from lapel.media.live_sources import DeviceSource, UrlSource
from lapel.media.rpicam import RpicamSource, rpicam_number
from lapel.media.scene_source import SceneSource


def open_source(
    spec: str, clock: Clock, *, wait: Callable[[float], object], wanted: Wanted, loop: bool, camera: str
) -> FrameSource:
    """The source that `spec` names. Raises VideoError when it names none; devices may be plugged in later.

    `wait(seconds)` blocks the capture thread; a scene and a file keep their pace with it.
    """
    if spec == "scene":
        return SceneSource(wanted.over(DEFAULT_FORMAT), camera, clock, wait)
    if (number := rpicam_number(spec)) is not None:
        return RpicamSource(spec, number, clock, wanted)
    if device := _device(spec):
        return DeviceSource(device, clock, wanted)
    if re.match(r"https?://.*\.(mp4|mov|mkv|avi|webm)$", spec):  # a file after all: it would come as fast as it can
        return FileSource(without_credentials(spec), spec, clock, wait, wanted, loop=loop)
    if re.match(r"(https?|rtsps?)://", spec):
        return UrlSource(spec, clock, wanted)
    path = Path(spec)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise VideoError(
            f"{spec}: {what}; give a video file, a device such as /dev/video0, `rpicam`, an address, or `scene`"
        )
    # `file:` keeps FFmpeg from taking a colon in the name for a protocol.
    return FileSource(spec, f"file:{spec}", clock, wait, wanted, loop=loop)


def _device(spec: str) -> str | None:
    if spec.isdecimal():
        return f"/dev/video{spec}"
    return spec if re.fullmatch(r"/dev/video\d+", spec) or spec.startswith("/dev/v4l/") else None
