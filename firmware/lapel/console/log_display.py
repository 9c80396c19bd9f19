"""Shows the camera's log lines above the line that the user is typing."""

import asyncio
from collections import deque
from collections.abc import Callable

from lapel.console.editor import LineEditor
from lapel.console.executor import CommandExecutor
from lapel.console.layout import STYLES, Text
from lapel.console.screen import Screen
from lapel.logs import LEVELS, Level, LogLine

_PENDING_LINES = 200


class LogDisplay:
    """Holds log lines back while a command runs, and drops them where the serial line is busy."""

    def __init__(
        self,
        editor: LineEditor,
        screen: Screen,
        executor: CommandExecutor,
        prompt: Callable[[], str],
        is_wanted: Callable[[], bool],
    ) -> None:
        """Lines that are added while not `is_wanted()` are ignored."""
        self._editor, self._screen, self._executor = editor, screen, executor
        self._prompt, self._is_wanted = prompt, is_wanted
        self._pending: deque[LogLine] = deque(maxlen=_PENDING_LINES)
        self.level: Level | None = "warning"
        """The lowest level that is shown; None: no line is shown. The prompt follows the camera's state in any case."""

    def add(self, line: LogLine) -> None:
        """Queue a line. Called while the camera logs it: must neither block nor raise, so it is shown later."""
        if not self._is_wanted():
            return
        if len(self._pending) == _PENDING_LINES:
            self._screen.count_dropped()
        self._pending.append(line)
        asyncio.get_running_loop().call_soon(self.show_pending)

    def show_pending(self) -> None:
        """Show the queued lines, if a line is being typed."""
        while self._pending and self._is_wanted() and self._editor.active and not self._executor.is_busy:
            self._show(self._pending.popleft())

    def discard(self) -> None:
        """Drop the queued lines."""
        self._pending.clear()

    def _show(self, line: LogLine) -> None:
        self._editor.change_prompt(self._prompt())
        if self.level is None or LEVELS.index(line.level) < LEVELS.index(self.level):
            return
        if self._screen.is_busy():
            self._screen.count_dropped()
            return
        text = Text(f"{line.at.utc:%H:%M:%S} {line.text}", STYLES[line.level])
        self._editor.show_above(self._screen.lines([text]))
