"""A terminal at the far end of a serial line: lines out, never blocking, colours only where it shows them."""

from collections.abc import Sequence

from lapel.console.layout import Block, Style, lay_out
from lapel.hardware.interfaces import SerialLine

COLUMNS = 80
_COLOURS: dict[Style, str] = {"good": "32", "warn": "33", "bad": "31"}
_ASK = "\x1b[999C\x1b[6n\r" + " " * 12 + "\r"
"""Where is the cursor, when it goes as far right as it can? A terminal that knows no orders prints rubbish instead, and
the blanks wipe that out."""
_BUSY_BYTES = 8_192


class Screen:
    """What is shown. A client that does not read misses lines, and is told how many."""

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        self._missed = 0
        self.columns, self.colour = COLUMNS, False

    def write(self, text: str) -> None:
        """Queue `text` as it is; all of it or nothing."""
        if not self._line.write(text.encode()):
            self._missed += 1

    def lines(self, blocks: Sequence[Block]) -> list[str]:
        """Laid out for this terminal, coloured where it can."""
        return [self._coloured(line, style) for line, style in lay_out(blocks, self.columns)]

    def show(self, *blocks: Block) -> None:
        """Lay out and write."""
        for line in self.lines(blocks):
            self.write(line + "\r\n")

    def is_busy(self) -> bool:
        """Whether so much waits that what is not asked for had better not be said."""
        return self._line.waiting_bytes() > _BUSY_BYTES

    def miss(self) -> None:
        """Something was not said because the line was busy."""
        self._missed += 1

    def take_missed(self) -> int:
        """How much was not said since this was last asked."""
        missed, self._missed = self._missed, 0
        return missed

    def ask_width(self) -> None:
        """Ask the terminal how wide it is; the answer comes as a key, or never."""
        self.write(_ASK)

    def width_told(self, columns: int) -> None:
        """It answered: it understands orders, and is so wide."""
        if 20 <= columns <= 500:
            self.columns, self.colour = columns, True

    async def drained(self) -> None:
        """Wait until the line has taken everything."""
        await self._line.drained()

    def _coloured(self, line: str, style: Style) -> str:
        return f"\x1b[{_COLOURS[style]}m{line}\x1b[0m" if self.colour and style else line
