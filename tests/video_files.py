"""Video made by tests: frames whose number can be read back after encoding, and files of such frames."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from fragments import instant
from lapel import mp4_boxes as boxes
from lapel.fragment import Fragment
from lapel.hardware.interfaces import Frame, Image

BITS = 8


def picture(number: int, width: int = 64, height: int = 32) -> Image:
    """An image with `number` modulo 256 as black and white columns."""
    bits = [255 * (number >> bit & 1) for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8), width // BITS)
    return np.broadcast_to(row[None, :, None], (height, width, 3)).copy()


def frame(number: int, at_s: float, width: int = 64, height: int = 32) -> Frame:
    return Frame(instant(at_s), picture(number, width, height))


def write_video(
    path: Path,
    numbers: Sequence[int],
    *,
    rate_fps: int = 10,
    size: tuple[int, int] = (64, 32),
    pixel_aspect: Fraction = Fraction(1),
    times_s: Sequence[float] | None = None,
) -> Path:
    """A file of numbered frames, in the container that its suffix names. `times_s`: where the rate varies."""
    with av.open(f"file:{path}", "w") as container:
        stream = container.add_stream("libx264", rate=rate_fps, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.sample_aspect_ratio = pixel_aspect
        if times_s is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, number in enumerate(numbers):
            image = av.VideoFrame.from_ndarray(picture(number, *size), format="bgr24")
            if times_s is not None:
                image.pts, image.time_base = round(times_s[index] * 1000), Fraction(1, 1000)
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    return path


def join(path: Path, parts: Sequence[Path]) -> Path:
    """A transport stream (`.ts`) of several, one after the other."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def file_of(fragments: list[Fragment]) -> bytes:
    """The file that a recorder would write."""
    first = fragments[0]
    bodies = (
        boxes.placed(one.body, place, one.start_ticks - first.start_ticks) for place, one in enumerate(fragments, 1)
    )
    return first.header + b"".join(bodies)


def numbers(data: bytes) -> list[int]:
    """The frame numbers read back from an MP4 file."""
    with av.open(io.BytesIO(data)) as container:
        return [_number(one.to_ndarray(format="gray")) for one in container.decode(video=0)]


def size_of(data: bytes) -> tuple[int, int]:
    """(width, height) of an MP4 file."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


def number_in(image: Image) -> int:
    """The number drawn by `picture`, whatever the image was scaled to."""
    return _number(image[:, :, 0])


def _number(gray: np.ndarray) -> int:  # type: ignore[type-arg]
    columns = gray[:, : gray.shape[1] // BITS * BITS].mean(axis=0).reshape(BITS, -1).mean(axis=1)
    return sum(1 << bit for bit in range(BITS) if columns[bit] > 128)
