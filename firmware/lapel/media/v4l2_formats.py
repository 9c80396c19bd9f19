"""The formats that a V4L2 camera has. Asking does not start it, and works while another program uses it."""

import fcntl
import os
import struct
from collections.abc import Callable

_ENUMERATE = 0xC0405602  # VIDIOC_ENUM_FMT
_VIDEO_CAPTURE = 1
_DESCRIPTION = struct.Struct("=III32s4sI12x")  # v4l2_fmtdesc
_MOST = 64
Ioctl = Callable[[int, int, bytes], bytes]


def formats_of(device: str, ioctl: Ioctl = fcntl.ioctl) -> list[str]:
    """Their four-letter codes, such as `MJPG`, `YUYV`, `H264`; none where the device cannot be asked."""
    try:
        file = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return []
    try:
        return _listed(file, ioctl)
    finally:
        os.close(file)


def _listed(file: int, ioctl: Ioctl) -> list[str]:
    found = list[str]()
    for index in range(_MOST):
        request = _DESCRIPTION.pack(index, _VIDEO_CAPTURE, 0, b"", b"", 0)
        try:
            answer = ioctl(file, _ENUMERATE, request)
        except OSError:  # past the last one, or no camera
            break
        found.append(_DESCRIPTION.unpack(answer)[4].decode("ascii", "replace").rstrip("\0 "))
    return found


def without_h264(formats: list[str]) -> str:
    """What is wrong with a camera of these formats for `codec = "copy"`, and what to do; empty where nothing is."""
    if not formats or "H264" in formats:
        return ""
    return (
        f'has no H.264, only {", ".join(formats)}, and codec = "copy" records nothing else; set codec = "auto", or '
        "name the node of this camera that has it (`v4l2-ctl --list-devices`)"
    )
