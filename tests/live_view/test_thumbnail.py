import cv2
import numpy as np

from fragments import fragment, instant
from lapel.fragment import Fragment
from lapel.hardware.interfaces import Frame
from lapel.live_view.live_view import LiveView
from lapel.live_view.thumbnail import EVERY_S, WIDTH, Thumbnail, thumbnail
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.worker import InlineWorker
from live_view.viewing import ADDRESS
from waited_clock import WaitedClock


def filmed(level: int) -> Fragment:
    encoder = Encoder(EncoderSettings(bitrate_bps=500_000, codec="libx264", threads=1))
    encoder.encode(Frame(instant(0.0), np.full((360, 640, 3), level, np.uint8)))
    closed = encoder.cut()
    assert closed is not None
    return closed


def brightness(jpeg: bytes | None) -> float:
    assert jpeg is not None
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (180, WIDTH, 3)
    return float(image.mean())


async def test_a_thumbnail_shows_the_newest_keyframe_and_is_made_rarely() -> None:
    clock = WaitedClock()
    view = LiveView(clock, ADDRESS)
    maker = Thumbnail(clock, InlineWorker())
    assert await maker.jpeg(view.window) is None
    view.begin(instant(0.0), [])
    view.add(filmed(40))
    first = await maker.jpeg(view.window)
    assert abs(brightness(first) - 40) < 12
    view.add(filmed(200))
    assert await maker.jpeg(view.window) is first
    clock.wait(EVERY_S)
    assert abs(brightness(await maker.jpeg(view.window)) - 200) < 12


def test_what_cannot_be_decoded_has_no_thumbnail() -> None:
    assert thumbnail(fragment(1)) is None
