"""Bytes from a terminal as keys. A printable key is itself; the others have names of several letters.

Noise, broken UTF-8, unknown escape sequences and wide characters are no keys.
"""

import asyncio
import codecs
import unicodedata
from collections import deque
from collections.abc import AsyncIterator

_CONTROLS = {
    0x01: "home", 0x02: "left", 0x03: "interrupt", 0x04: "end-of-input", 0x05: "end", 0x06: "right", 0x08: "backspace",
    0x09: "tab", 0x0A: "enter", 0x0B: "kill-rest", 0x0C: "redraw", 0x0D: "enter", 0x0E: "down", 0x10: "up",
    0x15: "kill-line", 0x17: "kill-word", 0x7F: "backspace",
}  # fmt: skip
_FINALS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_TILDES = {"1": "home", "3": "delete", "4": "end", "7": "home", "8": "end"}
_SEQUENCE_MAX = 24
_AHEAD_KEYS = 4_096
_AHEAD_BYTES = 65_536


class Keys:
    """A decoder for one visit; keeps what is not whole yet."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")("ignore")
        self._sequence: str | None = None
        self._after_return = False

    def feed(self, data: bytes) -> list[str]:
        """The keys that `data` completes."""
        return [key for char in self._text.decode(data) if (key := self._key(char))]

    def _key(self, char: str) -> str:
        after_return, self._after_return = self._after_return, char == "\r"
        if self._sequence is not None:
            return self._in_sequence(char)
        if char == "\x1b":
            self._sequence = ""
            return ""
        if char == "\n" and after_return:  # CRLF is one Enter
            return ""
        if ord(char) in _CONTROLS:
            return _CONTROLS[ord(char)]
        return char if _takes_one_cell(char) else ""

    def _in_sequence(self, char: str) -> str:
        sequence = self._sequence = (self._sequence or "") + char
        if sequence in ("[", "O"):
            return ""
        if len(sequence) > 1 and (char.isdigit() or char in ";?>") and len(sequence) < _SEQUENCE_MAX:
            return ""
        self._sequence = None
        if char == "\x1b":
            self._sequence = ""
            return ""
        if ord(char) in _CONTROLS and len(sequence) == 1:
            return ""
        return _named(sequence[1:-1], char) if len(sequence) > 1 else ""


def _named(parameters: str, final: str) -> str:
    if final == "~":
        return _TILDES.get(parameters, "")
    if final == "R" and ";" in parameters:  # the answer to "where is the cursor?"
        return f"column {parameters.rpartition(';')[2]}"
    return _FINALS.get(final, "") if not parameters or ";" in parameters else ""


def _takes_one_cell(char: str) -> bool:
    return char.isprintable() and not unicodedata.combining(char) and unicodedata.east_asian_width(char) not in "WF"


class TypeAhead:
    """Keys that nobody has looked at yet. Whoever types is never made to wait: a hang-up comes the same way."""

    def __init__(self, most: int = _AHEAD_KEYS) -> None:
        self._keys: asyncio.Queue[str] = asyncio.Queue(most)

    def put(self, key: str) -> bool:
        """Whether there was room for it. ^C needs none: it throws away what was typed before it."""
        if key == "interrupt":
            self.clear()
        if self._keys.full():
            return False
        self._keys.put_nowait(key)
        return True

    async def get(self) -> str:
        """The next key; others get their turn even where there are thousands."""
        await asyncio.sleep(0)
        return await self._keys.get()

    def clear(self) -> None:
        """Throw away all of them."""
        while not self._keys.empty():
            self._keys.get_nowait()


class RawInput:
    """Bytes as they come, for `sz` and machine mode. What is too much is dropped, which both of them notice."""

    def __init__(self, most_bytes: int = _AHEAD_BYTES) -> None:
        self._pieces: deque[bytes] = deque()
        self._most_bytes, self._held_bytes = most_bytes, 0
        self._stirred = asyncio.Event()

    def put(self, data: bytes) -> None:
        """Keep `data`, or drop all of it."""
        if self._held_bytes + len(data) <= self._most_bytes:
            self._pieces.append(data)
            self._held_bytes += len(data)
            self._stirred.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Each piece, without end."""
        while True:
            self._stirred.clear()
            while self._pieces:
                data = self._pieces.popleft()
                self._held_bytes -= len(data)
                yield data
            await self._stirred.wait()
