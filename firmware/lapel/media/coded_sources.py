"""Video sources whose own H.264 is recorded as it is: a camera module, a USB camera, a network stream, a file."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import av

from lapel.clock import Clock, Instant
from lapel.errors import VideoEnded, VideoError
from lapel.fragment import LONGEST_GOP_S
from lapel.hardware.interfaces import CodedFrame, FrameFormat
from lapel.media.frame_fitting import DEFAULT_FORMAT, Wanted
from lapel.media.h264 import StreamState
from lapel.media.pacing import Pacer
from lapel.media.packet_reader import PacketReader
from lapel.media.rpicam import FIRST_S, HINT, STALL_S, SensorTimes, common_options
from lapel.media.video_process import VideoProcess

_CHUNK_BYTES = 65_536
_DRIVER_LATE_S = 10.0  # a V4L2 time stamp older than this is on another clock


@dataclass(frozen=True, slots=True)
class Requested:
    """What is requested of a source that encodes, where it can be asked."""

    gop_s: float
    bitrate_bps: int


class Assembler:
    """Makes coded frames of a source's packets, and refuses what cannot be copied."""

    def __init__(self, name: str, extradata: bytes = b"") -> None:
        self._name = name
        self._stream = StreamState(extradata)
        self._keyframe_s: float | None = None

    def frame(self, data: bytes, captured: Instant) -> CodedFrame:
        """Raises VideoError when the source's encoding cannot be recorded."""
        try:
            data, is_keyframe = self._stream.completed(data)
        except VideoError as error:
            raise VideoError(f'{self._name}: {error}; codec = "copy" cannot record it') from error
        if is_keyframe or self._keyframe_s is None:
            self._keyframe_s = captured.mono_s
        if captured.mono_s - self._keyframe_s > LONGEST_GOP_S:
            raise VideoError(
                f"{self._name}: sent no keyframe for {LONGEST_GOP_S:g} s; set the camera to one a second, "
                'or codec = "auto"'
            )
        return CodedFrame(captured, data, is_keyframe, self._stream.size)


class CodedRpicamSource:
    """A camera module with the encoder of its board (Pi 4 and older)."""

    def __init__(self, name: str, number: int, clock: Clock, wanted: Wanted, requested: Requested) -> None:
        self.name = name
        self._clock, self._form = clock, wanted.over(DEFAULT_FORMAT)
        self._command = [
            *common_options(number, self._form),
            *("--codec", "h264", "--inline", "--profile", "high"),
            *("--intra", str(max(1, round(requested.gop_s * self._form.rate_fps)))),
            *("--bitrate", str(requested.bitrate_bps)),
        ]
        self._process: VideoProcess | None = None
        self._patience_s = FIRST_S
        self._begin()

    def open(self) -> FrameFormat:
        """Start rpicam-vid. Raises VideoError when it is not installed; a missing camera is found at the first read."""
        self.close()
        self._begin()
        self._process = VideoProcess(self.name, self._command, HINT)
        return self._form

    def read(self) -> CodedFrame:
        """The next frame. Raises VideoError when none comes."""
        if self._process is None:
            raise VideoError(f"{self.name}: is not open")
        while not self._ready:
            count = self._process.read_into(self._chunk, self._patience_s)
            self._times.add(self._process.read_times(0.0))
            self._ready.extend(map(bytes, self._parser.parse(bytes(self._chunk[:count]))))
        self._patience_s = STALL_S
        return self._assembler.frame(self._ready.popleft(), self._times.captured())

    def close(self) -> None:
        """End rpicam-vid. Harmless when closed."""
        if self._process is not None:
            self._process.close()
        self._process = None

    def _begin(self) -> None:
        self._parser = av.CodecContext.create("h264", "r")
        self._ready: deque[bytes] = deque()
        self._chunk = memoryview(bytearray(_CHUNK_BYTES))
        self._times, self._assembler = SensorTimes(self._clock), Assembler(self.name)
        self._patience_s = FIRST_S


class CodedLiveSource:
    """A USB camera or a network stream that encodes by itself."""

    def __init__(
        self, name: str, open_packets: Callable[[], PacketReader], clock: Clock, *, has_driver_times: bool
    ) -> None:
        """`has_driver_times`: the packets have the driver's times, as a rule on our monotonic clock."""
        self.name = name
        self._open_packets, self._clock, self._has_driver_times = open_packets, clock, has_driver_times
        self._packets: PacketReader | None = None
        self._assembler = Assembler(name)

    def open(self) -> FrameFormat:
        """Connect. Raises VideoError when there is no answer, or no H.264."""
        self.close()
        self._packets = self._open_packets()
        self._assembler = Assembler(self.name, self._packets.extradata)
        return self._packets.format

    def read(self) -> CodedFrame:
        """The next frame. Raises VideoError when none comes."""
        if self._packets is None:
            raise VideoError(f"{self.name}: is not open")
        packet = self._packets.next()
        if packet is None:
            self.close()
            raise VideoError(f"{self.name}: delivers no frames")
        data, at_s = packet
        return self._assembler.frame(data, self._captured(at_s))

    def close(self) -> None:
        """Close the connection. Harmless when closed."""
        if self._packets is not None:
            self._packets.close()
        self._packets = None

    def _captured(self, at_s: float | None) -> Instant:
        """The driver's own time stamp, where it is on our monotonic clock; else when the frame arrived."""
        now = self._clock.now()
        age_s = now.mono_s - at_s if at_s is not None and self._has_driver_times else -1.0
        return now.shifted(-age_s) if 0 <= age_s <= _DRIVER_LATE_S else now


class CodedFileSource:
    """A file of H.264, played in real time: each frame at its own time, none left out."""

    def __init__(self, name: str, address: str, clock: Clock, wait: Callable[[float], object], *, loop: bool) -> None:
        """`address` is `name` as FFmpeg takes it; `wait(seconds)` blocks the capture thread."""
        self.name, self._address, self._loop = name, address, loop
        self._clock, self._wait = clock, wait
        self._packets: PacketReader | None = None

    def open(self) -> FrameFormat:
        """Open the file. Raises VideoError when it holds no H.264 that can be recorded as it is."""
        self.close()
        self._pacer = Pacer(self._clock, self._wait, self._clock.mono_s())
        self._loop_start_s, self._count, self._newest_s = 0.0, 0, 0.0
        self._open_packets()
        assert self._packets is not None
        self._period_s = 1 / self._packets.rate_fps
        return self._packets.format

    def read(self) -> CodedFrame:
        """The next frame at its time. Raises VideoEnded at the end, unless it loops."""
        if self._packets is None:
            raise VideoError(f"{self.name}: is not open")
        packet = self._packets.next()
        if packet is None and self._loop and self._count:
            self._loop_start_s = self._end_s
            self._open_packets()
            packet = self._packets.next()
        if packet is None:
            self.close()
            raise VideoEnded(f"{self.name}: has ended after {self._count} frames; --loop plays it again and again")
        data, at_s = packet
        start_s = self._start_s(at_s)
        self._count += 1
        return self._assembler.frame(data, self._pacer.wait_until(start_s))

    def close(self) -> None:
        """Close the file. Harmless when closed."""
        if self._packets is not None:
            self._packets.close()
        self._packets = None

    def _open_packets(self) -> None:
        self.close()
        self._packets = PacketReader(self.name, self._address, None, {}, "try `ffprobe` on it")
        self._assembler = Assembler(self.name, self._packets.extradata)
        self._origin_s: float | None = None
        self._end_s = self._loop_start_s

    def _start_s(self, at_s: float | None) -> float:
        """When a frame begins, in seconds since the start; one without a time follows its predecessor."""
        if at_s is None:
            start_s = self._end_s
        else:
            self._origin_s = at_s if self._origin_s is None else self._origin_s
            start_s = self._loop_start_s + at_s - self._origin_s
        # As long as the one before: not every container has durations, and some a wrong rate.
        self._period_s = start_s - self._newest_s if start_s > self._newest_s else self._period_s
        self._newest_s, self._end_s = start_s, start_s + self._period_s
        return start_s
