"""Fits frames to the configured size: scales them, makes their pixels square, and reports what it had to change."""

from dataclasses import dataclass
from typing import cast

import cv2

from lapel.hardware.interfaces import FrameFormat, Image
from lapel.media.video_decoder import DecodedFrame, FrameShape

DEFAULT_FORMAT = FrameFormat(1920, 1080, 30.0)
"""Of a scene and of a device that was not configured."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The frame format that was configured; None follows the video source."""

    width: int | None = None
    height: int | None = None
    rate_fps: float | None = None

    def over(self, own: FrameFormat) -> FrameFormat:
        """The source's own format with the configured values put in. One side alone keeps the proportions."""
        width, height = self.width, self.height
        if width is None and height is not None:
            width = round(own.width * height / own.height / 2) * 2
        elif height is None and width is not None:
            height = round(own.height * width / own.width / 2) * 2
        return FrameFormat(width or own.width, height or own.height, self.rate_fps or own.rate_fps)


class FrameFitter:
    """Fits the decoded frames of one source, whose shape may change in mid-stream."""

    def __init__(self, name: str, wanted: Wanted, rate_fps: float) -> None:
        """`name` is the source's, for the notes; `rate_fps` its own rate."""
        self._name, self._wanted, self._rate_fps = name, wanted, rate_fps
        self._shape: FrameShape | None = None

    def format(self, shape: FrameShape) -> FrameFormat:
        """The format of fitted frames that are stored in `shape`."""
        return self._wanted.over(FrameFormat(*shape.upright, self._rate_fps))

    def fit(self, frame: DecodedFrame) -> tuple[Image, str]:
        """(the image to deliver, a note for the log: empty where nothing is worth one)."""
        note = self._note(frame.shape)
        self._shape = frame.shape
        return scaled(frame.image(), self.format(frame.shape)), note

    def _note(self, shape: FrameShape) -> str:
        """What an operator should know about frames of this shape, where it is new."""
        if shape == self._shape:
            return ""
        form, stored = self.format(shape), f"{shape.width}x{shape.height}"
        notes = []
        if self._shape is not None:
            notes.append(f"the frame format changed from {self._shape.width}x{self._shape.height} to {stored}")
        if shape.pixel_aspect != 1:
            aspect = f"{shape.pixel_aspect.numerator}:{shape.pixel_aspect.denominator}"
            notes.append(f"pixels are not square ({aspect}); {stored} is recorded as {form.width}x{form.height}")
        return f"{self._name}: {'; '.join(notes)}" if notes else ""


def scaled(image: Image, form: FrameFormat) -> Image:
    """`image` at the size of `form`."""
    if image.shape[:2] == (form.height, form.width):
        return image
    return cast(Image, cv2.resize(image, (form.width, form.height), interpolation=cv2.INTER_AREA))
