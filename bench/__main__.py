"""`make bench`: every figure beside its peer or bound, as a table; also as JSON, a plot and `docs/performance.md`.

Exit code 1 when a bound does not hold. `--check` runs a few of them briefly and fails only when a ratio has fallen
behind the recorded ones (`bench/recorded.json`), as CI does; `--record` records them.
"""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import page, regressions
from bench.figure import Figure
from bench.machine import machine, versions
from lapel.clock import SystemClock

_DOCS = Path(__file__).parent.parent / "docs"
_ON_REQUEST = ("live", "page")
"""Twenty minutes, and a browser: they run where they are named."""
_COLOURS = {"met": "green", "missed": "bold red", "": ""}


def main() -> int:
    """Run every `bench_*.py` in this folder, or those named."""
    parser = argparse.ArgumentParser("bench")
    parser.add_argument("only", nargs="*", help="clients, encoder, …; all but live and page where none is named")
    parser.add_argument("--json", action="store_true", help="print JSON, and nothing else")
    parser.add_argument("--short", action="store_true", help="a minute where others take ten")
    parser.add_argument("--video", metavar="FILE", help="encoder: real footage too")
    parser.add_argument("--check", action="store_true", help="compare a few ratios with the recorded ones")
    parser.add_argument("--page", action="store_true", help="make the page again from docs/performance.json")
    parser.add_argument("--record", action="store_true", help="record these ratios")
    options = parser.parse_args()
    if options.check or options.record:
        return regressions.main(records=options.record)
    if options.page:
        _publish(json.loads((_DOCS / "performance.json").read_text()))
        return 0
    results = _results(options.only or _all(), short=options.short, quiet=options.json)
    if options.json:
        print(json.dumps(results, indent=2))
    elif not options.only:
        _publish(results)
    return 0 if all(figure.holds for some in page.figures(results).values() for figure in some) else 1


def _all() -> list[str]:
    names = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    return [name for name in names if name not in _ON_REQUEST]


def _results(names: Sequence[str], *, short: bool, quiet: bool) -> dict[str, Any]:
    found, seconds, clock, console = dict[str, list[dict[str, Any]]](), dict[str, float](), SystemClock(), Console()
    before, is_busy = machine(), os.getloadavg()[0] > (os.cpu_count() or 1) / 2
    for name in names:
        began_s = clock.mono_s()
        some = list(importlib.import_module(f"bench.bench_{name}").main())
        seconds[name] = round(clock.mono_s() - began_s, 1)
        found[name] = [asdict(one) for one in some]
        if not quiet:
            console.print(_table(f"{name} ({seconds[name]:.0f} s)", some))
    return {
        "machine": before, "busy": is_busy, "versions": versions(), "short": short, "seconds": seconds,
        "figures": found,
    }  # fmt: skip


def _table(title: str, some: Sequence[Figure]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("what", "Lapel", "beside", "there", "ratio", "aim"):
        table.add_column(column)
    for one in some:
        there = "" if one.peer_value is None else f"{one.peer_value:.3g} {one.unit}"
        aim = f"{one.aimed_at}: {one.aim}" if one.aim else ""
        table.add_row(
            one.name, f"{one.value:.3g} {one.unit}", one.peer, there, one.spread, aim, style=_COLOURS[one.aim]
        )
    return table


def _publish(results: Mapping[str, Any]) -> None:
    (_DOCS / "performance.json").write_text(json.dumps(results, indent=1) + "\n")
    (_DOCS / "performance.md").write_text(page.page(results))
    (_DOCS / "performance.svg").write_text(page.plot([one for some in page.figures(results).values() for one in some]))
    print("wrote docs/performance.md, .json and .svg")


sys.exit(main())
