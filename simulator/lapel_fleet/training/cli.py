"""`lapel-fleet practice`: the ten field problems to mend, at a real serial line and with one's hands.

Exit codes: 0 mended, or told what was asked; 1 given up; 2 no such problem, or its line cannot be made.
"""

import argparse
import asyncio
from pathlib import Path

from lapel_fleet.training.problem import Problem, load, names


def add_practice(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("name", nargs="?", help="a field problem; without one, all are listed")
    parser.add_argument("--solve", action="store_true", help="show how it is mended, instead")
    parser.add_argument("--line", type=Path, metavar="PATH", help="make PATH a link to the camera's serial line")
    parser.set_defaults(command=_practice)


def _practice(options: argparse.Namespace) -> int:
    if options.name is None:
        for name in names():
            print(f"{name:<23}{load(name).says}")
        return 0
    problem = load(options.name)
    if options.solve:
        print("\n".join(_chapter(problem)))
        return 0
    from lapel_fleet.training.practice import practise  # the firmware, which the list need not wait for

    line = options.line.absolute() if options.line else None
    return asyncio.run(practise(options.name, problem, line))


def _chapter(problem: Problem) -> list[str]:
    return [problem.title, "", f"“{problem.says}”", "", problem.about.strip(), "", *problem.told()]
