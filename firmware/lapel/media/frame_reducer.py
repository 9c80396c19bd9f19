"""Makes frames smaller when the encoder cannot keep up: a smaller picture is better than one with holes."""

from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from lapel.hardware.interfaces import Frame, Image

STEPS = (1.0, 0.75, 0.5)
"""Width and height, relative to the source's. Half of them are a quarter of the work."""
WINDOW_S = 10.0
_IDLE_SHARE = 0.02
"""An encoder that waits for frames for less than this share of the time does not keep up."""


class FrameReducer:
    """Watches how long the encoder waits for frames. Belongs to the encoder's thread.

    It never goes back to larger frames while capturing: an encoder that has failed once at this work would fail again,
    and each change begins a new clip.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        """The encoder may be without a pause for `window_s`, which a moment of other work takes, too."""
        self._window_s = window_s
        self._step = 0
        self._since_s: float | None = None
        self._waited_s = 0.0

    @property
    def is_reducing(self) -> bool:
        """Whether frames are smaller than the source's."""
        return self._step > 0

    def waited(self, seconds: float) -> None:
        """The encoder has waited so long for a frame."""
        self._waited_s += seconds

    def begin_again(self, now_s: float) -> None:
        """No frames came: that time says nothing about the encoder."""
        self._since_s, self._waited_s = now_s, 0.0

    def observe(self, now_s: float) -> bool:
        """Whether frames become smaller from now on. To be called with each frame."""
        if self._since_s is None:
            self.begin_again(now_s)
            return False
        window_s = now_s - self._since_s
        if window_s < self._window_s:
            return False
        is_too_slow = self._waited_s < _IDLE_SHARE * window_s
        self.begin_again(now_s)
        if not is_too_slow or self._step + 1 == len(STEPS):
            return False
        self._step += 1
        return True

    def reduced(self, frame: Frame) -> Frame:
        """`frame` at the size of this moment."""
        return frame if self._step == 0 else replace(frame, image=_scaled(frame, STEPS[self._step]))


def _scaled(frame: Frame, scale: float) -> Image:
    width, height = (max(2, round(side * scale / 4) * 4) for side in (frame.image.shape[1], frame.height))
    if frame.layout == "bgr":
        return _resized(frame.image, width, height)
    rows, columns = frame.height, frame.image.shape[1]
    colours = frame.image[rows:].reshape(2, rows // 2, columns // 2)
    planes = [_resized(plane, width // 2, height // 2) for plane in colours]
    brightness = _resized(frame.image[:rows], width, height)
    return np.concatenate([brightness, np.stack(planes).reshape(height // 2, width)])


def _resized(image: Image, width: int, height: int) -> Image:
    return cast(Image, cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
