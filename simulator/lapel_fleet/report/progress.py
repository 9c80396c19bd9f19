"""Progress of a run while it runs: a display on a terminal, lines in a log."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from lapel.clock import Clock
from lapel_fleet.report.formatting import counted, rate, span

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_SCREEN_EVERY_S, _LINE_EVERY_S = 0.2, 10.0
_COLOURS = {"recording": "red", "buffering": "green", "fault": "bold red", "offline": "dim", "off": "dim"}
_BAR = 30


class Progress(Protocol):
    """Takes updates at any rate, and shows them at a rate that can be read."""

    def update(
        self,
        share: float,
        domain_s: float,
        states: Mapping[str, int],
        messages: int,
        recordings: int,
        findings: int | None = None,
    ) -> None:
        """`share` of the run is over (0 to 1), at `domain_s` of domain time; `states`: number of cameras by state;
        messages, recordings and findings: totals so far. `findings` is None if no checker runs meanwhile.
        """


@contextmanager
def progress(out: TextIO, clock: Clock, *, quiet: bool = False) -> Iterator[Progress]:
    """On a terminal a display that is erased at the end, elsewhere a line every 10 s of real time; `quiet`: nothing."""
    if quiet:
        yield _Paced(clock, math.inf, lambda _: None)
        return
    console = _screen(out)
    if console is None:
        yield _Paced(clock, _LINE_EVERY_S, lambda now: print(_line(now), file=out, flush=True))
    else:
        from rich.live import Live

        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield _Paced(clock, _SCREEN_EVERY_S, lambda now: live.update(_display(now), refresh=True))


def _screen(out: TextIO) -> "Console | None":
    """A terminal that can erase; None if `out` is not one, or rich is not installed."""
    if not out.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(file=out)
    return None if console.is_dumb_terminal else console


@dataclass(frozen=True, slots=True)
class _Values:
    """The values to show."""

    share: float
    domain_s: float
    states: Mapping[str, int]
    messages: int
    recordings: int
    findings: int | None
    speed: float
    """Domain time over real time, since the last display."""
    messages_per_s: float
    """Per second of real time, since the last display."""

    @property
    def head(self) -> tuple[str, str, str]:
        """Share, domain time and speed."""
        return f"{self.share:.0%}", span(self.domain_s), f"{self.speed:.0f} times real time"

    @property
    def counts(self) -> str:
        """Recordings and messages so far."""
        return (
            f"{counted(self.recordings, 'recording')}, {counted(self.messages, 'message')}, "
            f"{rate(self.messages_per_s)} per second"
        )


class _Paced:
    """Implements `Progress`: shows an update if enough real time has passed since the last one shown."""

    def __init__(self, clock: Clock, every_s: float, show: Callable[[_Values], None]) -> None:
        self._clock, self._every_s, self._show = clock, every_s, show
        self._last_s = clock.mono_s()
        self._domain_s, self._messages = 0.0, 0

    def update(
        self,
        share: float,
        domain_s: float,
        states: Mapping[str, int],
        messages: int,
        recordings: int,
        findings: int | None = None,
    ) -> None:
        """See `Progress.update`."""
        now_s = self._clock.mono_s()
        took_s = now_s - self._last_s
        if took_s < self._every_s:
            return
        speed, messages_per_s = (domain_s - self._domain_s) / took_s, (messages - self._messages) / took_s
        self._show(_Values(share, domain_s, states, messages, recordings, findings, speed, messages_per_s))
        self._last_s, self._domain_s, self._messages = now_s, domain_s, messages


def _line(now: _Values) -> str:
    cameras = ", ".join(f"{count:,} {state}" for state, count in _in_order(now.states))
    found = "" if now.findings is None else f"; {counted(now.findings, 'finding')}"
    return f"{', '.join(now.head)}: {cameras}; {now.counts}{found}"


def _display(now: _Values) -> "RenderableType":
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(padding=(0, 2))
    head.add_row(ProgressBar(total=1, completed=now.share, width=_BAR), *now.head)
    cameras = Text("  ").join(
        Text.assemble((f"{count:,} ", "bold"), (state, _COLOURS.get(state, "")))
        for state, count in _in_order(now.states)
    )
    counts = Text(now.counts)
    if now.findings is not None:
        counts.append(f"; {counted(now.findings, 'finding')}", "bold red" if now.findings else "")
    return Group(head, cameras, counts)


def _in_order(states: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent state first."""
    return sorted(((state, count) for state, count in states.items() if count), key=lambda one: (-one[1], one[0]))
