"""Reads the H.264 of a file, a network stream or a USB camera, packet by packet, without decoding it."""

from collections.abc import Callable, Generator

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.video.stream import VideoStream

from lapel.credentials import without_credentials
from lapel.errors import VideoError
from lapel.hardware.interfaces import FrameFormat
from lapel.media.frame_fitting import DEFAULT_FORMAT, Wanted
from lapel.media.v4l2_formats import formats_of, without_h264

_TIMEOUT_S = 5.0
OpenContainer = Callable[[str, str | None, dict[str, str]], InputContainer]
"""Opens an address with an FFmpeg input format and its options, as `open_container` does."""


def open_container(address: str, kind: str | None, options: dict[str, str]) -> InputContainer:
    """What FFmpeg opens: a file, a stream or a device."""
    return av.open(address, format=kind, options=options, timeout=(_TIMEOUT_S, _TIMEOUT_S))


class PacketReader:
    """Reads the H.264 packets of a file, a stream or a USB camera."""

    def __init__(
        self,
        name: str,
        address: str,
        kind: str | None,
        options: dict[str, str],
        hint: str,
        opener: OpenContainer = open_container,
    ) -> None:
        """`kind`: FFmpeg's input format; None: found out from the content. Raises VideoError with `hint`."""
        self._name = name
        try:
            self._container = opener(address, kind, options)
        except (av.FFmpegError, ValueError, UnicodeError) as error:
            raise VideoError(f"{name}: cannot be opened: {error}; {hint}") from error
        try:
            self._stream = self._h264()
        except VideoError:
            self._container.close()
            raise
        self.rate_fps = float(self._stream.average_rate or self._stream.guessed_rate or DEFAULT_FORMAT.rate_fps)
        codec = self._stream.codec_context
        self.format = FrameFormat(codec.width, codec.height, self.rate_fps)
        self._filter = BitStreamFilterContext("h264_mp4toannexb", self._stream)
        self._packets = self._read()

    @property
    def extradata(self) -> bytes:
        """Parameter sets that came beside the stream, where they are in Annex B."""
        data = bytes(self._stream.codec_context.extradata or b"")
        return data if data.startswith(b"\x00\x00") else b""

    def next(self) -> tuple[bytes, float | None] | None:
        """(a frame's data, its time in the source's seconds); None at the end."""
        return next(self._packets, None)

    def close(self) -> None:
        """Close it."""
        self._packets.close()
        self._container.close()

    def _h264(self) -> VideoStream:
        if not self._container.streams.video:
            raise VideoError(f"{self._name}: holds no video")
        stream = self._container.streams.video[0]
        codec = stream.codec_context
        if codec.name != "h264":
            raise VideoError(f'{self._name}: is {codec.name}; codec = "copy" records H.264 only; use codec = "auto"')
        if codec.has_b_frames:
            raise VideoError(
                f'{self._name}: has B-frames, which codec = "copy" cannot record; use codec = "auto", or switch them '
                "off where it is encoded"
            )
        return stream

    def _read(self) -> Generator[tuple[bytes, float | None]]:
        try:
            for packet in self._container.demux(self._stream):
                for whole in self._filter.filter(packet):
                    base = whole.time_base
                    yield bytes(whole), float(whole.pts * base) if whole.pts is not None and base else None
        except av.FFmpegError:
            return


def network_packets(address: str) -> PacketReader:
    """The packets of an http or rtsp address."""
    options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else {}
    hint = "is the address right and the server up?"
    return PacketReader(without_credentials(address), address, None, options, hint)


def usb_packets(
    device: str,
    wanted: Wanted,
    *,
    opener: OpenContainer = open_container,
    list_formats: Callable[[str], list[str]] = formats_of,
) -> PacketReader:
    """The packets of a USB camera that has an H.264 encoder. Raises VideoError with its formats where it has none."""
    if problem := without_h264(list_formats(device)):
        raise VideoError(f"{device}: {problem}")
    form = wanted.over(DEFAULT_FORMAT)
    options = {
        "input_format": "h264",
        "video_size": f"{form.width}x{form.height}",
        "framerate": f"{form.rate_fps:g}",
    }
    hint = "is it plugged in, may this user read it (group `video`), and does another program use it (`fuser`)?"
    return PacketReader(device, device, "v4l2", options, hint, opener)
