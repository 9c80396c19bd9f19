import numpy as np
import pytest

from fragments import instant
from lapel.hardware.interfaces import Frame, Image
from lapel.media.overlay import burn_in


def burned(tone: int, height: int, width: int, camera: str = "cam-0001") -> Image:
    frame = Frame(instant(12.34), np.full((height, width, 3), tone, np.uint8))
    burn_in(frame, camera, "unsynced")
    return frame.image


@pytest.mark.parametrize("tone", [0, 128, 255])
@pytest.mark.parametrize(("height", "width"), [(1080, 1920), (360, 640), (64, 64)])
def test_it_stands_out_from_any_background_and_leaves_the_rest_alone(tone: int, height: int, width: int) -> None:
    image = burned(tone, height, width)
    lower = image[height // 2 :]
    assert lower.max() > 200
    assert lower.min() < 100
    assert (image[: height // 3] == tone).all()


def test_another_camera_is_another_line() -> None:
    assert not np.array_equal(burned(90, 360, 640), burned(90, 360, 640, "cam-0002"))
