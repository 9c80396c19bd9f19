"""A synthetic street, drawn with OpenCV: moving people and vehicles, and a frame number that a test can read back.

All movement is a function of the time alone, so two scenes with one name show the same street.
"""

import random
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import cv2
import numpy as np

from lapel.hardware.interfaces import Image

NUMBER_BITS = 24
_CHECK_BITS = 4
_BLOCKS = NUMBER_BITS + _CHECK_BITS
_FONT = cv2.FONT_HERSHEY_SIMPLEX

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Walker:
    """A person or vehicle that crosses the street: lane, speed (frame widths per second), size, colour."""

    kind: str
    lane: float
    speed: float
    phase: float
    size: float
    colour: Colour


class Scene:
    """Draws frames of `width` x `height` pixels, blue-green-red."""

    def __init__(self, width: int, height: int, camera: str, *, noise: bool = False) -> None:
        """`noise` covers the frame with grain, to keep an encoder busy; it costs several milliseconds at 1080p."""
        self.width, self.height, self.camera = width, height, camera
        stream = random.Random(camera)
        self._street = _street(width, height, stream)
        self._walkers = _walkers(stream)
        self._grain = _grain(width + 64, height + 64) if noise else None

    def draw(self, number: int, seconds: float, utc: datetime) -> Image:
        """Frame `number`, at `seconds` of the scene's own time, with the wall clock burned in."""
        image = self._street.copy()
        for walker in self._walkers:
            self._draw_walker(image, walker, seconds)
        if self._grain is not None:
            y, x = number * 37 % 64, number * 23 % 64
            image = cv2.add(image, self._grain[y : y + self.height, x : x + self.width])  # type: ignore[assignment]
        self._caption(image, f"{self.camera}  {utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 100_000}Z  #{number}")
        write_number(image, number)
        return image

    def _draw_walker(self, image: Image, walker: _Walker, seconds: float) -> None:
        span = 1.0 + 2 * walker.size
        x = ((walker.phase + walker.speed * seconds) % span - walker.size) * self.width
        y = walker.lane * self.height
        size = walker.size * self.width
        if walker.kind == "person":
            _person(image, x, y, size, walker.colour, seconds * 7 + walker.phase * 9)
        else:
            _vehicle(image, x, y, size, walker.colour, forward=walker.speed > 0)

    def _caption(self, image: Image, text: str) -> None:
        scale = self.height / 720
        band = image[: round(52 * scale)]
        np.right_shift(band, 1, out=band)  # a darker band: an outline would not fit, text widens with its thickness
        at = (round(16 * scale), round(36 * scale))
        cv2.putText(image, text, at, _FONT, 0.9 * scale, (245, 245, 245), max(1, round(2 * scale)), cv2.LINE_AA)


# -- the number strip ------------------------------------------------------------------------------------------------


def write_number(image: Image, number: int) -> None:
    """Draw `number` modulo 2^24 and check bits as black and white blocks along the lower edge, readable after H.264."""
    height, width = image.shape[:2]
    value = number % (1 << NUMBER_BITS)
    code = value << _CHECK_BITS | _check(value)
    top = height - _strip_height(height)
    for index, (left, right) in enumerate(_blocks(width)):
        bit = code >> (_BLOCKS - 1 - index) & 1
        image[top:, left:right] = 235 if bit else 16


def read_number(image: Image) -> int | None:
    """The number drawn by `write_number`, modulo 2^24; None where the strip is missing or damaged."""
    height, width = image.shape[:2]
    strip = image[height - _strip_height(height) :].mean(axis=(0, 2))
    code = 0
    for left, right in _blocks(width):
        margin = (right - left) // 4
        code = code << 1 | int(strip[left + margin : right - margin].mean() > 128)
    value, check = code >> _CHECK_BITS, code & ((1 << _CHECK_BITS) - 1)
    return value if check == _check(value) else None


def cover_number(image: Image) -> None:
    """Paint over what `write_number` drew, for frames that are shown repeatedly: their numbers would mislead."""
    height = image.shape[0]
    image[height - _strip_height(height) :] = 16


def _check(value: int) -> int:
    """Four check bits, chosen so that a uniform strip, black or white, is invalid."""
    return (sum(value >> shift & 15 for shift in range(0, NUMBER_BITS, 4)) * 7 + 5) & 15


def _strip_height(height: int) -> int:
    return max(8, height // 40)


def _blocks(width: int) -> list[tuple[int, int]]:
    edges = [round(width * index / _BLOCKS) for index in range(_BLOCKS + 1)]
    return list(pairwise(edges))


# -- the street ------------------------------------------------------------------------------------------------------


def _street(width: int, height: int, stream: random.Random) -> Image:
    """The static background: sky, houses, pavement, road. Drawn once."""
    image: Image = np.zeros((height, width, 3), np.uint8)
    horizon, kerb = round(0.60 * height), round(0.70 * height)
    sky = np.linspace((188, 150, 110), (225, 212, 196), horizon)
    image[:horizon] = sky[:, None, :]
    _houses(image, horizon, stream)
    image[horizon:kerb] = (148, 152, 156)
    image[kerb:] = np.linspace((84, 82, 80), (58, 56, 55), height - kerb)[:, None, :]
    for x in range(0, width, width // 8):
        cv2.rectangle(image, (x, round(0.84 * height)), (x + width // 16, round(0.85 * height)), (190, 200, 205), -1)
    cv2.line(image, (0, kerb), (width, kerb), (176, 178, 180), max(1, height // 160))
    return image


def _houses(image: Image, horizon: int, stream: random.Random) -> None:
    height, width = image.shape[:2]
    x = 0
    while x < width:
        house_width = round(width * stream.uniform(0.10, 0.19))
        roof = round(height * stream.uniform(0.10, 0.34))
        tone = stream.randint(70, 150)
        colour = (tone, tone + stream.randint(0, 14), tone + stream.randint(8, 46))
        cv2.rectangle(image, (x, roof), (x + house_width - 2, horizon), colour, -1)
        _windows(image, x, roof, house_width, horizon, stream)
        x += house_width


def _windows(image: Image, x: int, roof: int, house_width: int, horizon: int, stream: random.Random) -> None:
    pitch = max(8, house_width // 5)
    for wx in range(x + pitch // 2, x + house_width - pitch // 2, pitch):
        for wy in range(roof + pitch // 2, horizon - pitch, round(pitch * 1.3)):
            lit = stream.random() < 0.25
            colour = (150, 214, 240) if lit else (92, 76, 64)
            cv2.rectangle(image, (wx, wy), (wx + pitch // 2, wy + round(pitch * 0.7)), colour, -1)


def _grain(width: int, height: int) -> Image:
    return np.random.default_rng(1).integers(0, 48, (height, width, 3), np.uint8)


def _walkers(stream: random.Random) -> list[_Walker]:
    def colour() -> Colour:
        return (stream.randint(30, 220), stream.randint(30, 200), stream.randint(30, 220))

    people = [
        _Walker("person", stream.uniform(0.67, 0.71), stream.choice((-1, 1)) * stream.uniform(0.02, 0.05),
                stream.random() * 1.2, stream.uniform(0.030, 0.042), colour())
        for _ in range(6)
    ]  # fmt: skip
    cars = [
        _Walker("vehicle", 0.80, -stream.uniform(0.10, 0.16), stream.random(), 0.13, colour()),
        _Walker("vehicle", 0.92, stream.uniform(0.12, 0.20), stream.random(), 0.17, colour()),
    ]
    return [*people, *cars]


def _person(image: Image, x: float, y: float, size: float, colour: Colour, stride: float) -> None:
    """Draw a person whose feet are at (x, y); `size` is about a third of the height."""
    head, hip, neck = round(size * 0.22), y - size * 1.2, y - size * 2.1
    swing = float(np.sin(stride)) * size * 0.4
    limb = max(1, round(size * 0.2))
    for side in (-1, 1):
        cv2.line(image, _at(x, hip), _at(x + side * swing, y), (52, 44, 40), limb, cv2.LINE_AA)
        cv2.line(image, _at(x, neck + size * 0.2), _at(x - side * swing * 0.8, hip), colour, limb, cv2.LINE_AA)
    cv2.line(image, _at(x, neck), _at(x, hip), colour, round(size * 0.42), cv2.LINE_AA)
    cv2.circle(image, _at(x, neck - head * 1.3), head, (140, 168, 205), -1, cv2.LINE_AA)


def _vehicle(image: Image, x: float, y: float, size: float, colour: Colour, *, forward: bool) -> None:
    """Draw a vehicle whose wheels are at y; `size` is its length."""
    height = size * 0.22
    cabin = np.array([_at(x + part * size, y - rise * height) for part, rise in
                      ((0.18, 1.1), (0.30, 1.9), (0.68, 1.9), (0.84, 1.1))])  # fmt: skip
    cv2.fillPoly(image, [cabin], (96, 84, 72), cv2.LINE_AA)
    cv2.rectangle(image, _at(x, y - 1.2 * height), _at(x + size, y - 0.3 * height), colour, -1)
    for part in (0.22, 0.78):
        cv2.circle(image, _at(x + part * size, y - 0.25 * height), round(0.33 * height), (24, 24, 24), -1, cv2.LINE_AA)
    lamp = x + (size if forward else 0)
    cv2.circle(image, _at(lamp, y - 0.8 * height), max(1, round(0.14 * height)), (190, 245, 255), -1, cv2.LINE_AA)


def _at(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)
