"""Where sound comes from: an ALSA microphone, the sound track of a file or stream, or a tone that carries the time.

A source is opened, read and closed in one thread; `sound_track.py` runs that thread and handles a source that fails.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.audio.stream import AudioStream

from lapel.clock import Clock
from lapel.credentials import without_credentials
from lapel.errors import AudioError
from lapel.media.aac import Samples, SoundFormat

CHUNK_S = 0.02
_ALSA_CONFIG = Path("/usr/share/alsa/alsa.conf")
_TIMEOUT_S = 5.0

TONE_HZ, TONE_SWEEP_HZ = 600.0, 1_000.0
"""The tone rises by `TONE_SWEEP_HZ` in each second of the monotonic clock, from `TONE_HZ`: its pitch shows the time
within the second, so that a test can compare it with the frame shown at the same moment.
"""


@dataclass(frozen=True, slots=True)
class SoundChunk:
    """Samples as they arrived. `arrived_s` is the monotonic time of the end of the last one."""

    samples: Samples
    arrived_s: float


class SoundSource(Protocol):
    """A microphone, or what stands for one. Every method may block."""

    @property
    def name(self) -> str:
        """As the configuration names it, without passwords."""

    @property
    def has_sound(self) -> bool:
        """False for a stream without a sound track, and before it was opened."""

    def open(self) -> None:
        """Raises AudioError."""

    def read(self) -> SoundChunk:
        """The next samples, in the recorded format. Raises AudioError, and AudioEnded at the end of a file."""

    def close(self) -> None:
        """Harmless when closed."""


class ToneSource:
    """A rising tone that carries the time of the monotonic clock."""

    name = "tone"
    has_sound = True

    def __init__(self, form: SoundFormat, clock: Clock, wait: Callable[[float], object]) -> None:
        """`wait(seconds)` blocks the calling thread."""
        self._format, self._clock, self._wait = form, clock, wait
        self._next_s = 0.0

    def open(self) -> None:
        """Begin now."""
        self._next_s = self._clock.mono_s()

    def read(self) -> SoundChunk:
        """The next 20 ms, once they are over."""
        begin_s, self._next_s = self._next_s, self._next_s + CHUNK_S
        while (early_s := self._next_s - self._clock.mono_s()) > 0:
            self._wait(early_s)
        count = round(CHUNK_S * self._format.rate_hz)
        return SoundChunk(tone(begin_s, count, self._format), self._next_s)

    def close(self) -> None:
        """Nothing to close."""


def tone(begin_s: float, count: int, form: SoundFormat) -> Samples:
    """`count` samples of the tone from a monotonic time on."""
    within_s = (begin_s + np.arange(count) / form.rate_hz) % 1.0
    turns = TONE_HZ * within_s + TONE_SWEEP_HZ / 2 * within_s**2
    return np.tile((0.3 * np.sin(2 * np.pi * turns)).astype(np.float32), (form.channels, 1))


class LibavSource:
    """A microphone of ALSA, or the sound of a stream, through FFmpeg."""

    has_sound = True

    def __init__(self, name: str, address: str, kind: str | None, form: SoundFormat, clock: Clock) -> None:
        """`kind`: FFmpeg's input format; None: found out from the content."""
        self.name = name
        self._address, self._kind, self._format, self._clock = address, kind, form, clock
        self._container: av.container.InputContainer | None = None
        self._resampler: av.AudioResampler | None = None

    def open(self) -> None:
        """Raises AudioError when it is missing, busy, or holds no sound."""
        self.close()
        if self._kind == "alsa":
            _prepare_alsa(self._address)
        try:
            self._container = av.open(
                self._address, format=self._kind, options=self._options(), timeout=(_TIMEOUT_S, _TIMEOUT_S)
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise AudioError(f"{self.name}: cannot be opened: {error}; is it plugged in, is the name right?") from error
        if not self._container.streams.audio:
            self.close()
            raise AudioError(f"{self.name}: holds no sound")
        self._resampler = resampler(self._format)

    def read(self) -> SoundChunk:
        """The next samples, stamped when they arrive. Raises AudioError when none come."""
        if self._container is None or self._resampler is None:
            raise AudioError(f"{self.name}: is not open")
        parts: list[Samples] = []
        try:
            for frame in self._container.decode(audio=0):
                arrived_s = self._clock.mono_s()
                parts += [part.to_ndarray().astype(np.float32) for part in self._resampler.resample(frame)]
                if sum(part.shape[1] for part in parts) >= CHUNK_S * self._format.rate_hz:
                    return SoundChunk(np.concatenate(parts, axis=1), arrived_s)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise AudioError(f"{self.name}: delivers no sound: {error}") from error
        raise AudioError(f"{self.name}: delivers no sound")

    def _options(self) -> dict[str, str]:
        form = self._format
        return {"sample_rate": str(form.rate_hz), "channels": str(form.channels)} if self._kind == "alsa" else {}

    def close(self) -> None:
        """Release the device. Harmless when closed."""
        if self._container is not None:
            self._container.close()
        self._container = self._resampler = None


def resampler(form: SoundFormat) -> av.AudioResampler:
    """Turns any sound into the recorded format."""
    layout = "mono" if form.channels == 1 else "stereo"
    return av.AudioResampler(format="fltp", layout=layout, rate=form.rate_hz)


def resampled(packet: "av.Packet[AudioStream]", to_format: av.AudioResampler) -> list[av.AudioFrame]:
    """The sound of a packet in the recorded format; nothing of one that is damaged."""
    try:
        frames = packet.decode()
    except av.FFmpegError:
        return []
    return [part for frame in frames for part in to_format.resample(frame)]


def _prepare_alsa(device: str) -> None:
    """Raises AudioError for a card that does not exist: ALSA itself would print several lines about it."""
    card = re.match(r"(?:plug)?hw:(\d+)", device)
    if card and not Path(f"/proc/asound/card{card[1]}").exists():
        raise AudioError(f"{device}: cannot be opened: there is no such sound card; `arecord -l` lists them")
    if _ALSA_CONFIG.exists():  # PyAV's own ALSA looks for it where it was built
        os.environ.setdefault("ALSA_CONFIG_PATH", str(_ALSA_CONFIG))


def open_sound(spec: str, form: SoundFormat, clock: Clock, wait: Callable[[float], object]) -> SoundSource | None:
    """The source that `spec` names; None for `none`, and for `video`: that sound comes with the video source.

    Raises AudioError when it names none.
    """
    if spec in ("none", "video"):
        return None
    if spec == "tone":
        return ToneSource(form, clock, wait)
    if re.match(r"(https?|rtsps?)://", spec):
        return LibavSource(without_credentials(spec), spec, None, form, clock)
    if Path(spec).exists() or not re.fullmatch(r"[\w.:,=-]+", spec):
        raise AudioError(
            f"{spec}: is no sound source; give an ALSA device (`default`, `hw:1,0`), a URL, `tone`, `video` or `none`"
        )
    return LibavSource(spec, spec, "alsa", form, clock)
