"""The overlay that is burned into each frame where it is configured: camera, UTC time, and the clock's quality."""

import cv2
import numpy as np

from lapel.clock import Quality
from lapel.hardware.interfaces import Frame

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def burn_in(frame: Frame, camera: str, quality: Quality) -> None:
    """Write one line at the lower left of `frame.image`, on a darkened band: legible on any background.

    Of planes only the brightness is written to: the line keeps the colours behind it.
    """
    height = frame.height
    image = frame.image[:height]
    scale = max(0.35, height / 1080)
    top = height - round(72 * scale)
    band = image[top : height - round(32 * scale)]
    np.right_shift(band, 2, out=band)
    warning = "" if quality == "synced" else f"  clock {quality}"
    text = f"{camera}  {frame.captured.utc:%Y-%m-%d %H:%M:%S}.{frame.captured.utc.microsecond // 100_000} UTC{warning}"
    at = (round(16 * scale), height - round(42 * scale))
    cv2.putText(image, text, at, _FONT, scale, (255, 255, 255), max(1, round(2 * scale)), cv2.LINE_AA)
