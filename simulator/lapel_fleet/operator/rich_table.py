"""The table of `lapel-fleet ls` on a terminal, with colours. Needs rich; elsewhere `output.table` is used."""

from collections.abc import Mapping, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from lapel_fleet.operator import output

_COLOURS = {
    "recording": "bold red",
    "buffering": "green",
    "fault": "bold magenta",
    "offline": "dim",
    "unreadable": "dim",
}
_COLUMNS = (*output.HEAD, "reason")
_ALWAYS = ("camera", "state")
_BY_IMPORTANCE = (*_ALWAYS, "flags", "recording", "since", "reason", "firmware", "session")
_FRAME_LINES = 4
"""Lines of the screen beside the cameras: the totals, the head, how many more there are, the cursor."""


def print_table(console: Console, cameras: Sequence[str], states: output.States) -> None:
    """Print the cameras, and below them the totals."""
    if cameras:
        console.print(_table(cameras, states, console.width))
    console.print(_totals(cameras, states))


def screen(cameras: Sequence[str], states: output.States, width: int, height: int) -> Group:
    """What fits into `height` lines: totals, the first cameras, and how many more there are."""
    fitting = cameras[: max(1, height - _FRAME_LINES)]
    more = len(cameras) - len(fitting)
    hint = [Text(f"and {more} more: a SELECTOR such as state=recording shows fewer", style="dim")] if more else []
    return Group(_totals(cameras, states), _table(fitting, states, width), *hint)


def _totals(cameras: Sequence[str], states: output.States) -> Text:
    return Text(output.totals(states[camera] for camera in cameras))


def _table(cameras: Sequence[str], states: output.States, width: int) -> Table:
    """A row for each camera, with the columns that are not empty for all of them and fit into `width`."""
    rows = [dict(zip(_COLUMNS, _cells(camera, states), strict=True)) for camera in cameras]
    shown = _fitting_columns(rows, width)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in shown:
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text(row[one], style=_COLOURS.get(row[one], "") if one == "state" else "") for one in shown))
    return table


def _cells(camera: str, states: output.States) -> tuple[str, ...]:
    return (*output.row(camera, states[camera]), output.reason(states[camera]) or "-")


def _fitting_columns(rows: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """In their usual order. When not all fit, the least important are left out; camera and state never are."""
    shown = [one for one in _BY_IMPORTANCE if one in _ALWAYS or any(row[one] != "-" for row in rows)]
    widths = {one: max([len(one), *(len(row[one]) for row in rows)]) + 2 for one in shown}
    while len(shown) > len(_ALWAYS) and sum(widths[one] for one in shown) > width + 2:
        shown.pop()
    return sorted(shown, key=_COLUMNS.index)
