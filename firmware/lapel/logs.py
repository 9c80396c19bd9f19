"""The camera's log: its newest lines in memory, for the console and for the fleet's `request-log`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from lapel.clock import Clock, Instant, iso
from lapel.credentials import without_credentials
from lapel.sanitize import plain

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
_KEPT_LINES = 2_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log."""

    at: Instant
    level: Level
    text: str

    def __str__(self) -> str:
        return f"{iso(self.at.utc)} {self.level:<7} {self.text}"


class Log:
    """Keeps the newest lines. Never blocks, never grows beyond `kept_lines`. Belongs to the event loop."""

    def __init__(self, clock: Clock, kept_lines: int = _KEPT_LINES) -> None:
        self._clock = clock
        self._lines: list[LogLine] = []
        self._kept_lines = kept_lines
        self._followers: list[Callable[[LogLine], None]] = []

    def add(self, text: str, level: Level = "info") -> None:
        """Add a line, and call each follower with it. Control characters, which may come from outside, become dots."""
        line = LogLine(self._clock.now(), level, plain(without_credentials(text)))
        self._lines.append(line)
        del self._lines[: -self._kept_lines]
        for follower in tuple(self._followers):
            follower(line)

    def newest(self, count: int, at_least: Level = "debug") -> list[LogLine]:
        """The newest `count` lines of that level or a more severe one, oldest first."""
        lines = [line for line in self._lines if LEVELS.index(line.level) >= LEVELS.index(at_least)]
        return lines[-count:] if count > 0 else []

    @contextmanager
    def follow(self, follower: Callable[[LogLine], None]) -> Iterator[None]:
        """Call `follower` with each line that is added, until the block ends. It must not block."""
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)
