"""The board's own complaints: too hot, throttled, or its supply voltage too low. Read from the kernel's files."""

from pathlib import Path

from lapel.hardware.trace.writer import TraceWriter

HOT_C = 80.0
"""The SoC slows down from 80 °C on."""
SYSTEM = Path("/sys")
_TEMPERATURE = "class/thermal/thermal_zone0/temp"
THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
_UNDERVOLTAGE, _THROTTLING = 0x1, 0x4 | 0x2  # throttled, or its frequency capped


class BoardHealth:
    """Implements `lapel.hardware.interfaces.BoardHealth`. A file that a board does not have is no complaint."""

    def __init__(self, system: Path = SYSTEM, trace: TraceWriter | None = None) -> None:
        """Each read of a file that brings something new is written into `trace`."""
        self._system, self._trace = system, trace
        self._seen: dict[str, str] = {}

    def flags(self) -> list[str]:
        """Conditions of this moment."""
        bits = self._throttled()
        conditions = {
            "undervoltage": bits & _UNDERVOLTAGE,
            "throttled": bits & _THROTTLING,
            "board-hot": (self.temperature_c() or 0.0) >= HOT_C,
        }
        return [flag for flag, is_so in conditions.items() if is_so]

    def temperature_c(self) -> float | None:
        """Of the SoC; None where the board does not report it."""
        text = self._read(_TEMPERATURE)
        return int(text) / 1000 if text.lstrip("-").isdigit() else None

    def _throttled(self) -> int:
        """The firmware's bits: the low half is now, the high half since it was switched on."""
        try:
            return int(self._read(THROTTLED) or "0", 16)
        except ValueError:
            return 0

    def _read(self, name: str) -> str:
        try:
            text = (self._system / name).read_text().strip()
        except OSError:
            text = ""
        if self._trace is not None and self._seen.get(name) != text:
            self._seen[name] = text
            self._trace.file(name, text)
        return text
