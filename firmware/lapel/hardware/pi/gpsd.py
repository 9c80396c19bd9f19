"""The position from gpsd, the daemon that every GPS receiver of a Raspberry Pi can be behind."""

import contextlib
import json
import math
import socket
import threading
from typing import Any

from lapel.clock import Clock
from lapel.hardware.interfaces import Fix
from lapel.hardware.trace.writer import TraceWriter

PORT = 2947
_WATCH = b'?WATCH={"enable":true,"json":true};\n'
_TIMEOUT_S = 10.0
"""gpsd reports every second; it also does without a receiver, but then nothing comes."""
_RETRY_S = 5.0
_UNKNOWN_ACCURACY_M = 50.0
"""Where the receiver gives no error estimate: that of a receiver under trees."""


class GpsdReports:
    """What gpsd has reported so far. Implements `lapel.hardware.interfaces.Positioning`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fix: Fix | None = None
        self._fixed_s = 0.0
        self._satellites = 0

    def last_fix(self) -> Fix | None:
        """See `Positioning.last_fix`."""
        fix = self._fix
        if fix is None:
            return None
        return Fix(fix.latitude, fix.longitude, fix.accuracy_m, max(0.0, self._clock.mono_s() - self._fixed_s))

    def satellites(self) -> int:
        """See `Positioning.satellites`; 0 while gpsd cannot be reached."""
        return self._satellites

    def take(self, report: dict[str, Any]) -> None:
        """A report of gpsd. What is not understood is no fix."""
        if report.get("class") == "SKY" and "satellites" in report:
            self._satellites = sum(1 for one in report["satellites"] if one.get("used"))
        elif report.get("class") == "TPV":
            self._take_position(report)

    def _take_position(self, report: dict[str, Any]) -> None:
        latitude, longitude = report.get("lat"), report.get("lon")
        if report.get("mode", 0) < 2 or not isinstance(latitude, float) or not isinstance(longitude, float):
            return
        if not (math.isfinite(latitude) and math.isfinite(longitude)):
            return
        accuracy = report.get("eph") or max(report.get("epx") or 0.0, report.get("epy") or 0.0)
        self._fix = Fix(latitude, longitude, float(accuracy or _UNKNOWN_ACCURACY_M), 0.0)
        self._fixed_s = self._clock.mono_s()


class GpsdPositioning(GpsdReports):
    """The same from gpsd itself. A thread of its own reads, as long as it is open."""

    def __init__(
        self, clock: Clock, host: str = "127.0.0.1", port: int = PORT, trace: TraceWriter | None = None
    ) -> None:
        super().__init__(clock)
        self._address, self._trace = (host, port), trace
        self._connection: socket.socket | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gpsd", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnect."""
        self._closing.set()
        with contextlib.suppress(OSError, AttributeError):
            self._connection.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        self._thread.join(_TIMEOUT_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(OSError):
                self._read()
            self._satellites = 0
            self._closing.wait(_RETRY_S)

    def _read(self) -> None:
        """Until the connection ends."""
        with socket.create_connection(self._address, _TIMEOUT_S) as connection:
            self._connection = connection
            connection.sendall(_WATCH)
            with connection.makefile("rb") as lines:
                while not self._closing.is_set() and (line := lines.readline(65_536)):
                    if self._trace is not None:
                        self._trace.gpsd(line)
                    self._take_line(line)

    def _take_line(self, line: bytes) -> None:
        try:
            report = json.loads(line)
        except ValueError:
            return
        if isinstance(report, dict):
            self.take(report)
