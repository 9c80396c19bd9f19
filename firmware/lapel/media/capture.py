"""Where frames come from: a device, a file, an address, or a drawn scene. Each is a FrameSource,
or a CodedSource where its own encoding is recorded.

A source is opened, read and closed in one thread; `footage.py` runs that thread and handles a source that stalls.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lapel.clock import Clock
from lapel.credentials import without_credentials
from lapel.errors import VideoError
from lapel.hardware.interfaces import CodedSource, FrameSource
from lapel.media.coded_sources import CodedFileSource, CodedLiveSource, CodedRpicamSource, Requested
from lapel.media.file_source import FileSource
from lapel.media.frame_fitting import DEFAULT_FORMAT, Wanted
from lapel.media.live_sources import DeviceSource, UrlSource
from lapel.media.packet_reader import network_packets, usb_packets
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
    if _is_stream(spec):
        return UrlSource(spec, clock, wanted)
    return FileSource(without_credentials(spec), _file_address(spec), clock, wait, wanted, loop=loop)


def open_coded_source(
    spec: str, clock: Clock, *, wait: Callable[[float], object], wanted: Wanted, loop: bool, requested: Requested
) -> CodedSource:
    """The source that `spec` names, for its own H.264. Raises VideoError when it names none that could have any."""
    if spec == "scene":
        raise VideoError('scene: has no encoding of its own; codec = "copy" is for cameras, streams and files')
    if (number := rpicam_number(spec)) is not None:
        return CodedRpicamSource(spec, number, clock, wanted, requested)
    if device := _device(spec):
        return CodedLiveSource(device, partial(usb_packets, device, wanted), clock, has_driver_times=True)
    if wanted != Wanted():
        raise VideoError(
            f'{spec}: with codec = "copy" its width, height and rate_fps cannot be changed; leave them out'
        )
    name = without_credentials(spec)
    if _is_stream(spec):
        return CodedLiveSource(name, partial(network_packets, spec), clock, has_driver_times=False)
    return CodedFileSource(name, _file_address(spec), clock, wait, loop=loop)


def _is_stream(spec: str) -> bool:
    return bool(re.match(r"(https?|rtsps?)://", spec)) and not _is_remote_file(spec)


def _is_remote_file(spec: str) -> bool:
    """A file after all: as a stream it would come as fast as it can."""
    return bool(re.match(r"https?://.*\.(mp4|mov|mkv|avi|webm)$", spec))


def _file_address(spec: str) -> str:
    """The file as FFmpeg takes it. Raises VideoError where there is none."""
    if _is_remote_file(spec):
        return spec
    path = Path(spec)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise VideoError(
            f"{spec}: {what}; give a video file, a device such as /dev/video0, `rpicam`, an address, or `scene`"
        )
    return f"file:{spec}"  # else FFmpeg would take a colon in the name for a protocol


def _device(spec: str) -> str | None:
    if spec.isdecimal():
        return f"/dev/video{spec}"
    return spec if re.fullmatch(r"/dev/video\d+", spec) or spec.startswith("/dev/v4l/") else None
