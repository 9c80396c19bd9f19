"""`make bench`: every figure, side by side. `--json` for scripts. Exit code 1 when a bound does not hold."""

import argparse
import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench.figure import Figure


def main() -> int:
    """Run every `bench_*.py` in this folder, or those named."""
    parser = argparse.ArgumentParser("bench")
    parser.add_argument("only", nargs="*", help="memory, encoder, …; all where none is named")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--short", action="store_true", help="a minute where others take ten")
    options = parser.parse_args()
    names = options.only or sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    figures: list[Figure] = []
    for name in names:
        for figure in importlib.import_module(f"bench.bench_{name}").main():
            figures.append(figure)
            if not options.json:
                print(figure, flush=True)
    if options.json:
        print(json.dumps([asdict(figure) | {"holds": figure.holds} for figure in figures], indent=2))
    return 0 if all(figure.holds for figure in figures) else 1


sys.exit(main())
