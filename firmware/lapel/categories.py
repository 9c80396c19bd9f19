"""The categories of an agency, and the choice of one before, during or after a recording."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lapel.clock import Clock
from lapel.config import RecordingSection, suggestion
from lapel.errors import ConfigError
from lapel.link.event_details import CategoryChosen
from lapel.reporter import Reporter
from lapel.sanitize import plain
from lapel.wearer_signals import WearerSignals

NAME_CHARS = 64
UNCATEGORISED = "uncategorised"


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories that an agency has, in the order in which the select button steps through them."""

    names: Sequence[str] = ()
    critical: frozenset[str] = frozenset()
    """Those that are offloaded first."""

    def after(self, name: str) -> str:
        """The next one; after the last, none."""
        ring = ["", *self.names]
        return ring[(ring.index(name) + 1) % len(ring)] if name in ring else ring[-1]

    def find(self, name: str) -> str:
        """The category of that name, or an empty text for *uncategorised*. Raises ConfigError that names those there
        are.
        """
        if name in ("", UNCATEGORISED):
            return ""
        for known in self.names:
            if known.casefold() == name.casefold():
                return known
        if not self.names:
            raise ConfigError("there are no categories; name some in `categories` of [recording]")
        raise ConfigError(f"{plain(name)[:NAME_CHARS]} is no category{suggestion(name, self.names)}")


def categories_of(section: RecordingSection) -> Categories:
    """The categories as configured. Raises ConfigError."""
    names, critical = (
        _split("categories", section.categories),
        _split("critical_categories", section.critical_categories),
    )
    for name in critical:
        if name not in names:
            raise ConfigError(
                f"[recording] critical_categories: {name} is not in `categories`{suggestion(name, names)}"
            )
    return Categories(names, frozenset(critical))


def _split(key: str, text: str) -> list[str]:
    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if len(name) > NAME_CHARS or not name.isprintable() or name == UNCATEGORISED:
            raise ConfigError(f"[recording] {key}: {plain(name)[:NAME_CHARS]!r} cannot be the name of a category")
        if names.count(name) > 1:
            raise ConfigError(f"[recording] {key}: {name} is there twice")
    return names


class Categorised(Protocol):
    """A recording, as far as its category is concerned."""

    id: str

    @property
    def category(self) -> str:
        """The category; empty without one."""

    def categorise(self, category: str, *, is_critical: bool) -> None:
        """Set the category."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A recording that has been stopped and is closed once its category is chosen, or the time for that is over."""

    recording: Categorised
    close: Callable[[], None]


class CategoryChoice:
    """The category of the current recording, of the one just stopped, or of the next one."""

    __slots__ = ("_ask_s", "_asking", "_categories", "_clock", "_current", "_next", "_pending", "_reporter", "_signals")

    def __init__(
        self,
        categories: Categories,
        ask_s: float,
        clock: Clock,
        reporter: Reporter,
        signals: WearerSignals,
        current: Callable[[], Categorised | None],
    ) -> None:
        """`ask_s`: how long a recording waits for its category after the stop. `current`: the recording that grows."""
        self._categories, self._ask_s, self._clock = categories, ask_s, clock
        self._reporter, self._signals, self._current = reporter, signals, current
        self._next = ""
        self._pending: _Pending | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def known(self) -> Categories:
        """The categories there are."""
        return self._categories

    @property
    def chosen(self) -> str:
        """The category of the current recording, of the one just stopped, or of the next one; empty: none."""
        target = self._target()
        return target.category if target is not None else self._next

    def is_critical(self, category: str) -> bool:
        """Whether recordings of that category are offloaded first."""
        return category in self._categories.critical

    def take_next(self) -> str:
        """The category that was chosen for the next recording, which begins now."""
        category, self._next = self._next, ""
        return category

    def step(self, source: str) -> None:
        """The wearer asks for the next category of the list."""
        if not self._categories.names:
            self._reporter.announce("there are no categories to choose from")
            self._signals.signal("refused")
            return
        self._set(self._categories.after(self.chosen), source)

    def choose(self, name: str, source: str) -> str | None:
        """Choose a category by its name, or none. Returns why that is refused; None when it is not."""
        try:
            category = self._categories.find(name.strip())
        except ConfigError as error:
            return str(error)
        self._set(category, source)
        return None

    def ask(self, recording: Categorised, close: Callable[[], None]) -> None:
        """The recording was stopped: wait for its category, where there are any and it has none; then call `close`."""
        self.finish()
        if recording.category or not self._categories.names or self._ask_s == 0:
            close()
            return
        self._pending = _Pending(recording, close)
        self._signals.signal("category asked")
        self._asking = asyncio.create_task(self._wait(), name="category")

    def finish(self) -> None:
        """Close the recording that waits for its category, with the one that it has by now."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.close()

    async def settled(self) -> None:
        """Wait until no recording waits for its category."""
        while self._asking is not None:
            await asyncio.wait([self._asking])

    async def _wait(self) -> None:
        await self._clock.sleep(self._ask_s)
        self._asking = None
        self.finish()

    def _target(self) -> Categorised | None:
        return self._current() or (self._pending.recording if self._pending is not None else None)

    def _set(self, category: str, source: str) -> None:
        target, is_critical = self._target(), self.is_critical(category)
        if target is not None:
            target.categorise(category, is_critical=is_critical)
        else:
            self._next = category
        if self._pending is not None and target is self._pending.recording and self._asking is not None:
            self._asking.cancel()  # the wearer may still be stepping: the time begins anew
            self._asking = asyncio.create_task(self._wait(), name="category")
        position = self._categories.names.index(category) + 1 if category else 0
        self._signals.count("category", position)
        self._reporter.announce(f"category: {category or UNCATEGORISED}")
        recording = target.id if target is not None else None
        self._reporter.emit(CategoryChosen(recording=recording, category=category, critical=is_critical, source=source))
