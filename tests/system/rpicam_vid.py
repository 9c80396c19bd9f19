"""A double of `rpicam-vid`: takes its arguments, and writes numbered frames and their times as it does.

What it does is in the variable RPICAM_DOUBLE, `key=value` separated by commas: `frames`: ends after so many, as if the
cable was pulled; `unplug`: the same once a file of this name exists, which it removes; `stall`: delivers nothing more
after so many; `size`: 128x64, other frames than requested; `widen`: once a file of this name exists they are twice as
wide (H.264 only); `times=no`: none, as an older rpicam-vid.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from time import sleep

import av
import cv2

from lapel.clock import SystemClock
from video_files import picture


def main() -> None:
    options = _options()
    double = dict(part.split("=") for part in os.environ.get("RPICAM_DOUBLE", "").split(",") if part)
    width, height = map(int, double.get("size", f"{options.width}x{options.height}").split("x"))
    with open(options.save_pts, "w") as times:
        times.write("# timecode format v2\n")
        clock, frames = SystemClock(), _frames(options, double, width, height)
        first = next(frames)  # takes longer than the others
        begin_s = clock.mono_s()
        for number, data in enumerate(chain([first], frames)):
            late_s = 0.01 if number % 3 == 2 else 0.0  # the sensor's times are steady, the delivery is not
            sleep(max(0.0, begin_s + number / options.framerate + late_s - clock.mono_s()))
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            if double.get("times") != "no":
                times.write(f"{number * 1000 / options.framerate:.3f}\n")
                times.flush()
            if number + 1 == int(double.get("stall", -1)):
                sleep(3600)
            if number + 1 == int(double.get("frames", -1)) or _is_due(double.get("unplug")):
                sys.exit("ERROR: *** Device timeout detected, camera is unplugged ***")


def _is_due(file: str | None) -> bool:
    """Whether the test has made the file; it is removed."""
    if file is None or not Path(file).exists():
        return False
    Path(file).unlink()
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("camera", "width", "height", "timeout", "verbose", "intra", "bitrate"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("codec", "output", "save-pts", "profile"):
        parser.add_argument(f"--{name}")
    for name in ("nopreview", "flush", "inline"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--framerate", type=float)
    options = parser.parse_args()
    if options.camera != 0:
        sys.exit("ERROR: *** no cameras available ***")
    return options


def _frames(options: argparse.Namespace, double: dict[str, str], width: int, height: int) -> Iterator[bytes]:
    if options.codec == "yuv420":
        number = 0
        while True:
            yield cv2.cvtColor(picture(number, width, height), cv2.COLOR_BGR2YUV_I420).tobytes()
            number += 1
    yield from h264_frames(width, height, options.intra, double.get("widen"))


def h264_frames(width: int, height: int, intra: int, widen: str | None = None) -> Iterator[bytes]:
    """Access units as the board's encoder writes them with `--inline`: parameter sets before each keyframe."""
    codec = _codec(width, height, intra)
    number = 0
    while True:
        if _is_due(widen):
            width *= 2
            codec = _codec(width, height, intra)
        frame = av.VideoFrame.from_ndarray(picture(number, width, height), format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        (packet,) = codec.encode(frame)
        yield bytes(packet)
        number += 1


def _codec(width: int, height: int, intra: int) -> av.VideoCodecContext:
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt, codec.framerate = width, height, "yuv420p", 30
    codec.gop_size, codec.max_b_frames = intra, 0
    codec.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "repeat-headers=1:scenecut=0"}
    return codec


def install(folder: Path) -> Path:
    """Put it into `folder` as `rpicam-vid`; returns the folder, for PATH."""
    tests = Path(__file__).parent.parent
    command = folder / "rpicam-vid"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={tests} exec {sys.executable} -m system.rpicam_vid "$@"\n')
    command.chmod(0o755)
    return folder


if __name__ == "__main__":
    main()
