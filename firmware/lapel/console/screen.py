"""Output to the client's terminal over a serial line: never blocks, uses colours only where the terminal has them."""

from collections.abc import Sequence

from lapel.console.layout import Block, Style, lay_out
from lapel.hardware.interfaces import SerialLine

DEFAULT_COLUMNS = 80
_COLOURS: dict[Style, str] = {"good": "32", "warn": "33", "bad": "31"}
_QUERY_WIDTH = "\x1b[999C\x1b[6n\r" + " " * 12 + "\r"
"""Moves the cursor as far right as it goes and queries its position. A terminal without escape sequences prints them as
text, which the blanks then erase.
"""
_BUSY_BYTES = 8_192


class Screen:
    """The client's terminal. Counts the lines that were dropped because the client does not read."""

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        self._dropped = 0
        self.columns, self.colour = DEFAULT_COLUMNS, False

    def write(self, text: str) -> None:
        """Queue `text` unchanged; all of it, or nothing when the queue is full."""
        if not self._line.write(text.encode()):
            self._dropped += 1

    def lines(self, blocks: Sequence[Block]) -> list[str]:
        """The blocks as lines for this terminal's width, with colours if it has them."""
        return [self._coloured(line, style) for line, style in lay_out(blocks, self.columns)]

    def show(self, *blocks: Block) -> None:
        """Lay out and write blocks."""
        for line in self.lines(blocks):
            self.write(line + "\r\n")

    def is_busy(self) -> bool:
        """Whether so much output waits that unrequested output should be dropped."""
        return self._line.waiting_bytes() > _BUSY_BYTES

    def count_dropped(self) -> None:
        """Count a line that was dropped because the serial line was busy."""
        self._dropped += 1

    def take_dropped(self) -> int:
        """How many lines were dropped since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def query_width(self) -> None:
        """Query the terminal's width; the answer arrives as a key, or never."""
        self.write(_QUERY_WIDTH)

    def on_width(self, columns: int) -> None:
        """Take the terminal's answer: its width. A terminal that answers also understands colours."""
        if 20 <= columns <= 500:
            self.columns, self.colour = columns, True

    async def drained(self) -> None:
        """Wait until the serial line has sent everything."""
        await self._line.drained()

    def _coloured(self, line: str, style: Style) -> str:
        return f"\x1b[{_COLOURS[style]}m{line}\x1b[0m" if self.colour and style else line
