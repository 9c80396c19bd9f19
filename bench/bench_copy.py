"""Cost of recording a source's own H.264, compared with decoding and encoding the same frames again."""

from collections.abc import Callable
from time import process_time

import av
import cv2

from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.hardware.interfaces import CodedFrame, Frame
from lapel.media.coded_sources import Assembler
from lapel.media.encoder import Encoder, EncoderSettings, open_codec
from lapel.media.fragment_copier import FragmentCopier
from lapel.media.scene import Scene

_FPS, _SIZE = 30, (1920, 1080)
_SETTINGS = EncoderSettings(float(_FPS), codec="libx264")


def main(count: int = 90) -> list[Figure]:
    """Milliseconds of CPU a frame of 1080p, both ways in one run."""
    coded = _source(count)
    ours, theirs = _cpu_ms(lambda: _copy(coded), count), _cpu_ms(lambda: _encode(coded), count)
    return [Figure("CPU a frame of 1080p, codec = copy", ours, "ms", "decoded and encoded", theirs, theirs / 5)]


def _cpu_ms(job: Callable[[], None], count: int) -> float:
    begin = process_time()
    job()
    return 1000 * (process_time() - begin) / count


def _source(count: int) -> list[CodedFrame]:
    """What a camera with an encoder of its own sends, completed as its source does."""
    scene, begin = Scene(*_SIZE, "bench"), SystemClock().now()
    codec, _, _ = open_codec(_SETTINGS, *_SIZE)
    assembler, coded = Assembler("bench"), list[CodedFrame]()
    for number in range(count):
        at = begin.shifted(number / _FPS)
        planes = cv2.cvtColor(scene.draw(number, number / _FPS, at.utc), cv2.COLOR_BGR2YUV_I420)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number * 3000
        if number % _FPS == 0:
            frame.pict_type = av.video.frame.PictureType.I
        coded += [assembler.frame(bytes(packet), at) for packet in codec.encode(frame)]
    return coded


def _copy(coded: list[CodedFrame]) -> None:
    assembler, copier = Assembler("bench"), FragmentCopier(_FPS)
    for frame in coded:
        copier.encode(assembler.frame(frame.data, frame.captured))
    copier.cut()


def _encode(coded: list[CodedFrame]) -> None:
    decoder, encoder = av.CodecContext.create("h264", "r"), Encoder(_SETTINGS)
    moments = iter(coded)
    for frame in coded:
        for decoded in decoder.decode(av.Packet(frame.data)):
            encoder.encode(Frame(next(moments).captured, decoded.to_ndarray(format="bgr24")))
    encoder.cut()
