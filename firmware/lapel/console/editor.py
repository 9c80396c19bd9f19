"""The line editor: one row of a terminal with a prompt, editing keys and history; long lines scroll sideways.

Output that arrives meanwhile is shown above the row. The row is drawn with carriage return, backspace and blanks only,
so that it works on any terminal, including one without escape sequences.
"""

from collections.abc import Callable
from typing import Literal

from lapel.console.tokens import is_inside_quotes

LINE_MAX_CHARS = 1_000
"""Limits what noise on the line can fill."""
_HISTORY_LINES = 100
_VISIBLE_MIN_CHARS = 12

Pressed = Literal["", "line", "interrupt", "end", "complete", "help", "redraw"]
"""The effect of a key for the caller; empty when it only edited the line."""


class LineEditor:
    """One row of a terminal."""

    def __init__(self, write: Callable[[str], object], columns: Callable[[], int]) -> None:
        self._write, self._columns = write, columns
        self._history: list[str] = []
        self._recalled = 0
        self._drawn = 0  # columns of the row that may hold text
        self._at = 0  # column of the terminal's cursor
        self.prompt, self.text, self.cursor = "", "", 0
        self.echo, self.active = True, False

    def begin(self, prompt: str, *, echo: bool = True) -> None:
        """Start an empty line. Without `echo` it is neither shown nor kept in the history."""
        self.prompt, self.text, self.cursor, self.echo = prompt, "", 0, echo
        self._recalled, self._drawn, self._at, self.active = len(self._history), 0, 0, True
        self._draw()

    def press(self, key: str) -> Pressed:
        """Process a key."""
        match key:
            case "enter":
                return self._end("", "line")
            case "interrupt":
                return self._end("^C" if self.echo else "", "interrupt")
            case "end-of-input" if not self.text:
                return self._end("", "end")
            case "tab":
                return "complete" if self.echo else ""
            case "?" if self.echo and self._begins_word():
                return "help"
            case "redraw":
                return "redraw"
            case _:
                self._edit(key)
                return ""

    def insert(self, text: str) -> None:
        """Insert `text` as if it was typed."""
        for char in text:
            self._edit(char)

    @property
    def text_before_cursor(self) -> str:
        """The part of the line that completion and help look at."""
        return self.text[: self.cursor]

    def show_above(self, lines: list[str]) -> None:
        """Write `lines` in place of the row, and draw the row below them."""
        self._erase()
        for line in lines:
            self._write(line + "\r\n")
        self._draw()

    def change_prompt(self, prompt: str) -> None:
        """Replace the prompt of the line that is being typed."""
        if self.active and prompt != self.prompt:
            self._erase()
            self.prompt = prompt
            self._draw()

    def redraw(self) -> None:
        """Draw the row again."""
        self._erase()
        self._draw()

    def _end(self, echo: str, pressed: Pressed) -> Pressed:
        self.active = False
        self._write(f"{echo}\r\n")
        if pressed == "line" and self.echo and self.text.strip() and self._history[-1:] != [self.text]:
            self._history = [*self._history, self.text][-_HISTORY_LINES:]
        return pressed

    def _begins_word(self) -> bool:
        before = self.text_before_cursor
        return before[-1:] in ("", " ") and not is_inside_quotes(before)

    def _edit(self, key: str) -> None:
        before, after = self.text[: self.cursor], self.text[self.cursor :]
        match key:
            case "left":
                self._replace(self.text, self.cursor - 1)
            case "right":
                self._replace(self.text, self.cursor + 1)
            case "home":
                self._replace(self.text, 0)
            case "end":
                self._replace(self.text, len(self.text))
            case "backspace":
                self._replace(before[:-1] + after, self.cursor - 1)
            case "delete" | "end-of-input":
                self._replace(before + after[1:], self.cursor)
            case "kill-line":
                self._replace(after, 0)
            case "kill-rest":
                self._replace(before, self.cursor)
            case "kill-word":
                kept = before.rstrip().rpartition(" ")
                kept_text = kept[0] + kept[1]
                self._replace(kept_text + after, len(kept_text))
            case "up" | "down":
                self._recall(-1 if key == "up" else 1)
            case _ if len(key) == 1:
                self._type(key)

    def _type(self, char: str) -> None:
        if len(self.text) >= LINE_MAX_CHARS:
            self._write("\a")
            return
        at_end = self.cursor == len(self.text)
        self.text = self.text[: self.cursor] + char + self.text[self.cursor :]
        self.cursor += 1
        if not self.echo:
            return
        if at_end and self._at + 1 < self._columns() and self._at == self._drawn:
            self._write(char)
            self._at += 1
            self._drawn += 1
        else:
            self._draw()

    def _recall(self, step: int) -> None:
        if not self.echo:
            return
        self._recalled = min(max(self._recalled + step, 0), len(self._history))
        text = self._history[self._recalled] if self._recalled < len(self._history) else ""
        self._replace(text, len(text))

    def _replace(self, text: str, cursor: int) -> None:
        self.text, self.cursor = text, min(max(cursor, 0), len(text))
        self._draw()

    def _erase(self) -> None:
        self._write("\r" + " " * self._drawn + "\r")
        self._drawn = self._at = 0

    def _draw(self) -> None:
        """Draw the prompt and the part of the line around the cursor that fits."""
        width = max(self._columns() - 1, 2 * _VISIBLE_MIN_CHARS)
        prompt = self.prompt if width - len(self.prompt) >= _VISIBLE_MIN_CHARS else "> "
        room = width - len(prompt)
        text = self.text if self.echo else ""
        cursor = self.cursor if self.echo else 0
        start = 0 if cursor < room else cursor - room + 1
        row = prompt + text[start : start + room]
        cell = len(prompt) + cursor - start
        blanks = max(0, self._drawn - len(row))
        self._write("\r" + row + " " * blanks + "\b" * (len(row) + blanks - cell))
        self._drawn, self._at = len(row), cell
