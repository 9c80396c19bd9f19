"""How a run goes, while it goes."""

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
    """Is told as often as one likes, and shows it as often as anybody can read."""

    def update(
        self,
        share: float,
        domain_s: float,
        states: Mapping[str, int],
        messages: int,
        recordings: int,
        findings: int | None = None,
    ) -> None:
        """`share` of the run is over (0-1), at `domain_s` of the cameras' time; `states` is cameras by state;
        messages, recordings and findings are all so far. `findings` is None while nobody judges.
        """


@contextmanager
def progress(out: TextIO, clock: Clock, *, quiet: bool = False) -> Iterator[Progress]:
    """On a terminal a display that is gone afterwards, elsewhere a line every 10 s of real time; quiet: nothing."""
    if quiet:
        yield _Paced(clock, math.inf, lambda _: None)
        return
    console = _screen(out)
    if console is None:
        yield _Paced(clock, _LINE_EVERY_S, lambda now: print(_line(now), file=out, flush=True))
    else:
        from rich.live import Live

        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield _Paced(clock, _SCREEN_EVERY_S, lambda now: live.update(_picture(now), refresh=True))


def _screen(out: TextIO) -> "Console | None":
    """A terminal that can erase what it shows; None where it is none, or rich is not installed."""
    if not out.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(file=out)
    return None if console.is_dumb_terminal else console


@dataclass(frozen=True, slots=True)
class _Standing:
    """What there is to show."""

    share: float
    domain_s: float
    states: Mapping[str, int]
    messages: int
    recordings: int
    findings: int | None
    speed: float
    """Domain time over real time, lately."""
    messages_per_s: float
    """Of real time, lately."""

    @property
    def head(self) -> tuple[str, str, str]:
        """Share, the cameras' time, and speed."""
        return f"{self.share:.0%}", span(self.domain_s), f"{self.speed:.0f} times real time"

    @property
    def counts(self) -> str:
        """What there was so far, but for the findings."""
        return (
            f"{counted(self.recordings, 'recording')}, {counted(self.messages, 'message')}, "
            f"{rate(self.messages_per_s)} a second"
        )


class _Paced:
    """Implements `Progress`: shows something when enough real time has passed since it last did."""

    def __init__(self, clock: Clock, every_s: float, show: Callable[[_Standing], None]) -> None:
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
        self._show(_Standing(share, domain_s, states, messages, recordings, findings, speed, messages_per_s))
        self._last_s, self._domain_s, self._messages = now_s, domain_s, messages


def _line(now: _Standing) -> str:
    cameras = ", ".join(f"{count:,} {state}" for state, count in _in_order(now.states))
    found = "" if now.findings is None else f"; {counted(now.findings, 'finding')}"
    return f"{', '.join(now.head)}: {cameras}; {now.counts}{found}"


def _picture(now: _Standing) -> "RenderableType":
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
