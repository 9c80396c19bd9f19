"""The camera's recent words, for whoever asks later: a technician at the console, the fleet's `request-log`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from lapel.clock import Clock, Instant, iso

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
_KEPT_LINES = 2_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that was said."""

    at: Instant
    level: Level
    text: str

    def __str__(self) -> str:
        return f"{iso(self.at.utc)} {self.level:<7} {self.text}"


class Log:
    """The newest lines in memory. Never blocks, never grows. Belongs to the event loop."""

    def __init__(self, clock: Clock, kept_lines: int = _KEPT_LINES) -> None:
        self._clock = clock
        self._lines: list[LogLine] = []
        self._kept_lines = kept_lines
        self._followers: list[Callable[[LogLine], None]] = []

    def add(self, text: str, level: Level = "info") -> None:
        """Say it: it is kept, and told to each follower."""
        line = LogLine(self._clock.now(), level, text)
        self._lines.append(line)
        del self._lines[: -self._kept_lines]
        for follower in tuple(self._followers):
            follower(line)

    def newest(self, count: int, at_least: Level = "debug") -> list[LogLine]:
        """The newest `count` lines of that level or a graver one, oldest first."""
        grave = [line for line in self._lines if LEVELS.index(line.level) >= LEVELS.index(at_least)]
        return grave[-count:] if count > 0 else []

    @contextmanager
    def followed(self, follower: Callable[[LogLine], None]) -> Iterator[None]:
        """Tell `follower` each line as it is added, until the block ends. It must not block."""
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)
