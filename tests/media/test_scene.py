import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments import EPOCH, instant
from lapel.hardware.interfaces import Frame, Image
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.scene import NUMBER_BITS, Scene, read_number, write_number


@given(st.integers(0, 1 << 30))
def test_the_number_comes_back_modulo_its_bits(number: int) -> None:
    image: Image = np.full((90, 160, 3), 90, np.uint8)
    write_number(image, number)
    assert read_number(image) == number % (1 << NUMBER_BITS)


@pytest.mark.parametrize("tone", [0, 90, 255])
def test_a_picture_without_a_number_has_none(tone: int) -> None:
    assert read_number(np.full((90, 160, 3), tone, np.uint8)) is None


def test_the_same_moment_of_the_same_scene_is_the_same_picture() -> None:
    one, other = (Scene(160, 90, "cam-0001").draw(7, 1.5, EPOCH) for _ in range(2))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, Scene(160, 90, "cam-0001").draw(7, 9.5, EPOCH))


def test_the_number_survives_a_starved_encoder() -> None:
    import io

    import av

    from video_files import file_of

    scene, encoder = Scene(320, 180, "cam-0001"), Encoder(EncoderSettings(bitrate_bps=120_000, codec="libx264"))
    for number in range(20):
        encoder.encode(Frame(instant(number / 30), scene.draw(5_000_000 + number, number / 30, EPOCH)))
    closed = encoder.cut()
    assert closed is not None
    with av.open(io.BytesIO(file_of([closed]))) as container:
        read = [read_number(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    assert read == list(range(5_000_000, 5_000_020))
