"""A small JPEG of the newest keyframe, made when it is requested, and not more often than every two seconds."""

import asyncio
import io
from functools import partial
from typing import cast

import av
import cv2

from lapel.clock import Clock
from lapel.fragment import Fragment
from lapel.hardware.interfaces import Image
from lapel.live_view.window import FragmentWindow
from lapel.worker import Worker

EVERY_S = 2.0
"""At most so often is a thumbnail made; requests in between get the same."""
WIDTH = 320
_QUALITY = 75


class Thumbnail:
    """The newest thumbnail of one live view."""

    def __init__(self, clock: Clock, worker: Worker) -> None:
        self._clock, self._worker = clock, worker
        self._jpeg: bytes | None = None
        self._number, self._made_s = 0, -EVERY_S
        self._making = asyncio.Lock()

    async def jpeg(self, window: FragmentWindow) -> bytes | None:
        """The thumbnail of what `window` holds; None when there is nothing to see, or it cannot be decoded."""
        async with self._making:
            newest = window.newest
            if newest is None:
                return None
            now_s = self._clock.mono_s()
            if newest.number != self._number and now_s - self._made_s >= EVERY_S:
                self._number, self._made_s = newest.number, now_s
                self._jpeg = await self._worker.run(partial(thumbnail, newest.fragment))
            return self._jpeg


def thumbnail(fragment: Fragment) -> bytes | None:
    """The keyframe of a fragment, scaled; None when it cannot be decoded, as of a camera that films nothing."""
    try:
        with av.open(io.BytesIO(fragment.header + fragment.body), "r") as container:
            frame = next(container.decode(video=0))
    except (av.FFmpegError, StopIteration, IndexError):
        return None
    image = cast(Image, frame.to_ndarray(format="bgr24"))
    height = max(1, round(image.shape[0] * WIDTH / image.shape[1]))
    small = cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
