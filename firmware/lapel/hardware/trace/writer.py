"""Writes a hardware trace while the camera runs. A disk that fails ends the trace, never the camera."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from lapel import __version__
from lapel.clock import Clock, iso
from lapel.config import Config
from lapel.credentials import without_credentials
from lapel.errors import TraceError
from lapel.hardware.trace.format import AnyHappening, FileRead, GpsdReport, Header, PinChanged, RegisterRead

_DIGITS = 6


class TraceWriter:
    """May be used from any thread. Each line is with the operating system when `add` returns."""

    def __init__(self, path: Path, clock: Clock, devices: Mapping[str, str | int]) -> None:
        """Raises TraceError when the file exists or cannot be made."""
        self._clock, self._began_s = clock, clock.mono_s()
        self._lock = threading.Lock()
        self.failure = ""
        """Why the trace is incomplete; empty while it is not."""
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError as error:
            raise TraceError(f"{path}: exists already; name a new file for the trace") from error
        except OSError as error:
            raise TraceError(f"{path}: cannot be made: {error.strerror}") from error
        self._write(Header(firmware=__version__, utc=iso(clock.now().utc), devices=dict(devices)))

    def at_s(self, mono_s: float | None = None) -> float:
        """A monotonic time, or now, in seconds since the trace began."""
        since_s = (self._clock.mono_s() if mono_s is None else mono_s) - self._began_s
        return max(0.0, round(since_s, _DIGITS))

    def add(self, one: AnyHappening) -> None:
        """Append a line. Never raises."""
        self._write(one)

    def pin(self, name: str, *, closed: bool, mono_s: float) -> None:
        """A pin's edge."""
        self.add(PinChanged(at_s=self.at_s(mono_s), name=name, closed=closed))

    def register(self, address: int, register: int, value: int | None, error: str = "") -> None:
        """A register was read; `value` is None where the device did not answer."""
        self.add(RegisterRead(at_s=self.at_s(), address=address, register=register, value=value, error=error))

    def gpsd(self, line: bytes) -> None:
        """A line of gpsd; what is no JSON object is left out."""
        try:
            report: Any = json.loads(line)
        except (ValueError, RecursionError):
            return
        if isinstance(report, dict):
            self.add(GpsdReport(at_s=self.at_s(), report=report))

    def file(self, name: str, text: str) -> None:
        """A file of the kernel was read."""
        self.add(FileRead(at_s=self.at_s(), name=name, text=text))

    def close(self) -> None:
        """Close the file. What is added after that is dropped."""
        with self._lock:
            self._file.close()

    def _write(self, line: msgspec.Struct) -> None:
        with self._lock:
            if self._file.closed:
                return
            try:
                self._file.write(msgspec.json.encode(line) + b"\n")
            except OSError as error:
                self.failure = f"the hardware trace is incomplete: {error.strerror}"
                self._file.close()


def devices_of(config: Config) -> dict[str, str | int]:
    """The devices that a configuration names, for the header. Without passwords."""
    return {
        **config.pi.pins(),
        "battery": config.pi.battery,
        "gpsd": int(config.pi.gpsd),
        "health": int(config.pi.health),
        "video": without_credentials(config.video.source),
        "sound": without_credentials(config.audio.source),
    }
