"""Prints the cameras for `lapel-fleet ls`, once or with `--watch` at each change, in the form that its reader needs."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lapel.clock import Clock
from lapel_fleet.operator import output

if TYPE_CHECKING:
    from rich.console import Console

PrintCameras = Callable[[Sequence[str], output.States], None]
"""Prints these cameras with their states."""
_UPDATE_S = 0.5


def print_json(cameras: Sequence[str], states: output.States) -> None:
    """An array over several lines, for one listing."""
    print(json.dumps(output.table_json(cameras, states), indent=2))


def print_json_line(cameras: Sequence[str], states: output.States) -> None:
    """An array on one line, so that a reader of several can separate them."""
    print(json.dumps(output.table_json(cameras, states)), flush=True)


def print_text(cameras: Sequence[str], states: output.States) -> None:
    """Plain text for pipes and files."""
    lines = output.table(cameras, states) if cameras else []
    print(*lines, output.totals(states[camera] for camera in cameras), sep="\n", flush=True)


def printer(*, as_json: bool) -> PrintCameras:
    """How one listing is printed: JSON, a table with colours on a terminal that shows them, or plain text."""
    console = None if as_json else _terminal()
    if console is None:
        return print_json if as_json else print_text
    from lapel_fleet.operator.rich_table import print_table

    return lambda cameras, states: print_table(console, cameras, states)


@contextmanager
def refreshing_printer(*, as_json: bool) -> Iterator[PrintCameras]:
    """How `--watch` prints: on a terminal in place, elsewhere one listing after the other."""
    console = None if as_json else _terminal()
    if console is None:
        yield print_json_line if as_json else print_text
        return
    from rich.live import Live

    from lapel_fleet.operator.rich_table import screen

    with Live(console=console, auto_refresh=False) as live:
        yield lambda cameras, states: live.update(screen(cameras, states, *console.size), refresh=True)


async def print_changes(
    known: asyncio.Event,
    states: output.States,
    choose: Callable[[output.States], list[str]],
    print_cameras: PrintCameras,
    clock: Clock,
) -> None:
    """Once the states are `known`, print the chosen cameras, and again after each change, at most twice a second.
    Runs until cancelled.
    """
    await known.wait()
    shown: dict[str, object] | None = None
    while True:
        if shown != states:
            shown = dict(states)
            print_cameras(choose(states), states)
        await clock.sleep(_UPDATE_S)


def _terminal() -> "Console | None":
    """The terminal on standard output; None where there is none, or rich is not installed."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(highlight=False)
    return console if console.is_terminal and not console.is_dumb_terminal else None
