"""H.264 as a source sends it: where keyframes are, and the parameter sets that they need. Annex B throughout."""

from collections.abc import Iterator

import av
from av.video.frame import VideoFrame

from lapel.errors import VideoError

_START = b"\x00\x00\x01"
_IDR, _SEQUENCE, _PICTURE = 5, 7, 8


def nal_units(data: bytes) -> Iterator[bytes]:
    """The units between the start codes."""
    at = data.find(_START)
    while at >= 0:
        following = data.find(_START, at + 3)
        yield data[at + 3 : len(data) if following < 0 else following].rstrip(b"\x00")
        at = following


def unit_type(unit: bytes) -> int:
    """What a unit is: 1 part of a frame, 5 part of a keyframe, 7 and 8 parameter sets."""
    return unit[0] & 0x1F if unit else 0


class StreamState:
    """Completes the keyframes of one stream, and knows the size of its frames."""

    def __init__(self, extradata: bytes = b"") -> None:
        """`extradata`: parameter sets that came beside the stream."""
        self._sets = _sets(extradata)
        self._measured = b""
        self.size = (0, 0)
        """(width, height) of the frames since the last keyframe."""

    def completed(self, data: bytes) -> tuple[bytes, bool]:
        """(a frame's data, whether it is a keyframe). A keyframe without its parameter sets gets the last ones.

        Raises VideoError for a keyframe that cannot be decoded, or that has no parameter sets.
        """
        if not any(unit_type(unit) == _IDR for unit in nal_units(data)):
            return data, False
        own = _sets(data)
        if not own and not self._sets:
            raise VideoError("sends a keyframe without parameter sets")
        data = data if own else self._sets + data
        self._sets = own or self._sets
        if self._sets != self._measured:
            self.size, self._measured = _frame_size(data), self._sets
        return data, True


def _sets(data: bytes) -> bytes:
    """The parameter sets in `data`: both kinds, or nothing."""
    units = [unit for unit in nal_units(data) if unit_type(unit) in (_SEQUENCE, _PICTURE)]
    is_complete = {unit_type(unit) for unit in units} == {_SEQUENCE, _PICTURE}
    return b"".join(b"\x00" + _START + unit for unit in units) if is_complete else b""


def _frame_size(keyframe: bytes) -> tuple[int, int]:
    """Decodes one keyframe: the decoder knows every way in which a size can be written."""
    decoder = av.CodecContext.create("h264", "r")
    try:
        frames: list[VideoFrame] = [*decoder.decode(av.Packet(keyframe)), *decoder.decode(None)]
    except av.FFmpegError as error:
        raise VideoError(f"sends keyframes that cannot be decoded: {error}") from error
    if not frames:
        raise VideoError("sends keyframes that cannot be decoded")
    return frames[0].width, frames[0].height
