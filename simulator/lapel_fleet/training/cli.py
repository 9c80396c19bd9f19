"""`lapel-fleet practice`: repair the camera of a field problem, at a real serial line and by hand.

Exit codes: 0 repaired, listed or shown; 1 given up; 2 no such problem, or its serial line cannot be made.
"""

import argparse
import asyncio
from pathlib import Path

from lapel_fleet.training.problem import Problem, load, names, transcript


def add_practice(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", nargs="?", help="a field problem (default: list them)")
    parser.add_argument("--solve", action="store_true", help="show the solution instead")
    parser.add_argument("--line", type=Path, metavar="PATH", help="make PATH a link to the camera's serial line")
    parser.set_defaults(command=_practice)


def _practice(options: argparse.Namespace) -> int:
    if options.name is None:
        for name in names():
            print(f"{name:<23}{load(name).symptom}")
        return 0
    problem = load(options.name)
    if options.solve:
        print("\n".join(_solution(problem)))
        return 0
    from lapel_fleet.training.practice import practise  # imports the firmware, which the list does not need

    line = options.line.absolute() if options.line else None
    return asyncio.run(practise(options.name, problem, line))


def _solution(problem: Problem) -> list[str]:
    return [
        problem.title,
        "",
        f"Symptom: “{problem.symptom}”",
        f"Remedy: {problem.remedy}",
        "",
        *transcript(problem.steps),
        "",
        problem.background.strip(),
    ]
