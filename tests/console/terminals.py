"""Terminals for tests of the console: an emulator with escape sequences (pyte's), and one without."""

from typing import Protocol

import pyte

_ROWS = 2_000
"""Enough that nothing scrolls off: tests read the whole session."""


class Terminal(Protocol):
    """What the client's terminal shows, row by row."""

    answers: bytes
    """Input that the terminal itself generates: answers to queries of its cursor's position."""

    def feed(self, data: bytes) -> None: ...

    @property
    def row(self) -> int: ...

    def text(self, row: int) -> str: ...


class Emulator(pyte.Screen):
    """A terminal emulator, as picocom runs in."""

    def __init__(self, columns: int) -> None:
        super().__init__(columns, _ROWS)
        self._stream = pyte.ByteStream(self)
        self.answers = b""

    def write_process_input(self, data: str) -> None:
        self.answers += data.encode()

    def feed(self, data: bytes) -> None:
        self._stream.feed(data)

    @property
    def row(self) -> int:
        return int(self.cursor.y)

    def text(self, row: int) -> str:
        return "".join(self.buffer[row][column].data for column in range(self.columns)).rstrip()

    def colours(self, row: int) -> set[str]:
        return {self.buffer[row][column].fg for column in range(self.columns)} - {"default"}


class DumbTerminal:
    """Carriage return, line feed and backspace only; an escape character is ignored, what follows it is printed."""

    def __init__(self, columns: int = 80) -> None:
        self._columns, self._rows, self._at = columns, [""], 0
        self.answers = b""

    def feed(self, data: bytes) -> None:
        for char in data.decode():
            match char:
                case "\r":
                    self._at = 0
                case "\n":
                    self._rows.append("")
                case "\b":
                    self._at = max(0, self._at - 1)
                case _ if char.isprintable():
                    self._print(char)

    def _print(self, char: str) -> None:
        if self._at == self._columns:
            self._rows.append("")
            self._at = 0
        row = self._rows[-1].ljust(self._at)
        self._rows[-1] = row[: self._at] + char + row[self._at + 1 :]
        self._at += 1

    @property
    def row(self) -> int:
        return len(self._rows) - 1

    def text(self, row: int) -> str:
        return self._rows[row].rstrip()
