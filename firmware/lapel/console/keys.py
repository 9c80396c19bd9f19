"""Decodes a terminal's bytes into keys. A printable key is its character; other keys have names of several letters.

Noise, invalid UTF-8, unknown escape sequences and wide characters are dropped.
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
_CURSOR_KEYS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_TILDE_KEYS = {"1": "home", "3": "delete", "4": "end", "7": "home", "8": "end"}
_SEQUENCE_MAX = 24
_TYPE_AHEAD_KEYS = 4_096
_RAW_BYTES = 65_536


class KeyDecoder:
    """Decodes the bytes of one session; keeps an incomplete character or escape sequence for the next bytes."""

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
        return _key_name(sequence[1:-1], char) if len(sequence) > 1 else ""


def _key_name(parameters: str, final: str) -> str:
    if final == "~":
        return _TILDE_KEYS.get(parameters, "")
    if final == "R" and ";" in parameters:  # the answer to a query of the cursor's position
        return f"column {parameters.rpartition(';')[2]}"
    return _CURSOR_KEYS.get(final, "") if not parameters or ";" in parameters else ""


def _takes_one_cell(char: str) -> bool:
    return char.isprintable() and not unicodedata.combining(char) and unicodedata.east_asian_width(char) not in "WF"


class TypeAhead:
    """A bounded queue of keys that were typed ahead. Adding never blocks: a hang-up arrives through the same reader."""

    def __init__(self, max_keys: int = _TYPE_AHEAD_KEYS) -> None:
        self._keys: asyncio.Queue[str] = asyncio.Queue(max_keys)

    def put(self, key: str) -> bool:
        """Add a key; False when the queue is full. ^C always fits: it drops everything typed before it."""
        if key == "interrupt":
            self.clear()
        if self._keys.full():
            return False
        self._keys.put_nowait(key)
        return True

    async def get(self) -> str:
        """The next key. Other tasks run in between, even while thousands of keys are queued."""
        await asyncio.sleep(0)
        return await self._keys.get()

    def clear(self) -> None:
        """Drop all queued keys."""
        while not self._keys.empty():
            self._keys.get_nowait()


class RawInput:
    """A bounded queue of bytes for `sz` and machine mode. Excess input is dropped; their checksums reveal that."""

    def __init__(self, max_bytes: int = _RAW_BYTES) -> None:
        self._pieces: deque[bytes] = deque()
        self._max_bytes, self._queued_bytes = max_bytes, 0
        self._arrived = asyncio.Event()

    def put(self, data: bytes) -> None:
        """Queue `data`, or drop all of it when the queue is full."""
        if self._queued_bytes + len(data) <= self._max_bytes:
            self._pieces.append(data)
            self._queued_bytes += len(data)
            self._arrived.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Each piece as it arrives; never ends by itself."""
        while True:
            self._arrived.clear()
            while self._pieces:
                data = self._pieces.popleft()
                self._queued_bytes -= len(data)
                yield data
            await self._arrived.wait()
