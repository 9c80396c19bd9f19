import asyncio
import json
from collections.abc import Sequence
from io import StringIO

import pytest
from rich.console import Console

from fleet.operator.messages import state
from lapel_fleet.operator import listing
from lapel_fleet.operator.output import States
from lapel_fleet.operator.rich_table import print_table, screen
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

STATES: States = {
    "a/1": state("a/1", "recording", recording="clip-1"),
    "a/22": state("a/22", "offline", reason="\x1b[2Jlost [bold]"),
    "b/1": None,
}


def on_terminal(width: int = 200) -> Console:
    return Console(file=StringIO(), force_terminal=True, width=width, highlight=False, legacy_windows=False)


def shown_by(console: Console) -> list[str]:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_a_terminal_gets_colours_and_no_empty_columns() -> None:
    console = on_terminal()
    print_table(console, list(STATES), STATES)
    head, first, second, _, totals = shown_by(console)
    assert ("recording" in head, "flags" in head) == (True, False)
    assert "\x1b[1;31mrecording" in first
    assert "(.[2Jlost [bold])" in second  # neither the terminal's nor rich's own markup
    assert totals == "3 cameras: 1 offline, 1 recording, 1 unreadable"


def test_a_narrow_terminal_keeps_camera_and_state() -> None:
    console = on_terminal(45)
    print_table(console, list(STATES), STATES)
    lines = shown_by(console)
    assert len(lines) == 6  # the totals need two
    assert all(camera in line for camera, line in zip(STATES, lines[1:], strict=False))


def test_a_screen_shows_what_fits_and_counts_the_rest() -> None:
    many = {f"a/{number:03}": state(f"a/{number:03}") for number in range(100)}
    console = on_terminal()
    console.print(screen(list(many), many, 200, 24))
    lines = shown_by(console)
    assert len(lines) <= 24
    assert lines[0] == "100 cameras: 100 buffering"
    assert "and 80 more" in lines[-1]


def test_it_is_printed_again_only_after_a_change() -> None:
    printed = list[Sequence[str]]()

    async def program(clock: VirtualClock) -> list[int]:
        known, states, counts = asyncio.Event(), dict(STATES), []
        printing = asyncio.create_task(
            listing.print_changes(known, states, sorted, lambda cameras, _: printed.append(cameras), clock)
        )

        async def count_after(seconds: float) -> None:
            await clock.sleep(seconds)
            counts.append(len(printed))

        await count_after(2)
        known.set()
        await count_after(2.1)
        states["c/1"] = state("c/1")
        await count_after(2.1)
        states["c/1"] = state("c/1", "recording")
        await count_after(0.1)
        await count_after(0.5)
        printing.cancel()
        await asyncio.wait([printing])
        return counts

    assert run_virtual(program) == [0, 1, 2, 2, 3]
    assert printed[:2] == [["a/1", "a/22", "b/1"], ["a/1", "a/22", "b/1", "c/1"]]


def test_elsewhere_it_is_text_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    listing.printer(as_json=False)(list(STATES), STATES)
    assert capsys.readouterr().out.startswith("camera  state       since")
    with listing.refreshing_printer(as_json=True) as print_cameras:
        print_cameras(list(STATES), STATES)
    (line,) = capsys.readouterr().out.splitlines()
    assert [one["address"] for one in json.loads(line)] == list(STATES)
