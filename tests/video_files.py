"""Frames whose numbers can be read back after encoding."""

import io

import av
import numpy as np

from fragments import instant
from lapel import boxes
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


def _number(gray: np.ndarray) -> int:  # type: ignore[type-arg]
    columns = gray.mean(axis=0).reshape(BITS, -1).mean(axis=1)
    return sum(1 << bit for bit in range(BITS) if columns[bit] > 128)
