"""`lapel-fleet mutants`: plants bugs in a back end, and prints which situations catch them.

Exit codes: 0 enough are caught and the original is clean, 1 not, 2 the file or an option cannot be used.
"""

import argparse
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from lapel.errors import ConfigError
from lapel_fleet.checkers.user_code import load_object

_SHOWN = 2


def add_mutants(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lapel-fleet mutants`."""
    parser.description = (
        "Examines a back end with one planted bug after the other, in memory. The file defines ORIGINAL, which makes "
        "the back end as it is, and MUTANTS, a maker for each bug by name; examples/mutants.py shows one."
    )
    parser.add_argument("file", metavar="FILE.py", help="with ORIGINAL and MUTANTS; or the name of a module")
    parser.add_argument("mutants", nargs="*", metavar="MUTANT", help="only these (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-least", type=int, metavar="N", help="so many must be caught (default: all)")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON, and nothing else")
    parser.set_defaults(command=_mutants)


def _mutants(options: argparse.Namespace) -> int:
    from lapel_fleet.control.conformance.mutants import Score, idle_situations

    makers = _chosen(options)
    original = load_object("mutants", f"{options.file}:ORIGINAL")
    situations, scores = _suite(original)
    found: list[Score] = []
    for score in scores({"(original)": original, **makers}, situations, options.seed):
        found.append(score)
        if not options.json:
            print(_line(score), flush=True)
    clean, planted = found[0], found[1:]
    caught = [one for one in planted if one.caught_by]
    if options.json:
        print(json.dumps(msgspec.to_builtins(found)))
    else:
        _print_summary(caught, planted, idle_situations(situations, planted) if not options.mutants else [])
    needed = len(planted) if options.at_least is None else options.at_least
    return int(bool(clean.caught_by) or len(caught) < needed)


def _suite(original: Any) -> tuple[Any, Any]:
    """The situations for a back end of this kind, and what scores mutants with them."""
    from lapel_fleet.control.conformance.catalogue import SITUATIONS
    from lapel_fleet.control.conformance.evidence.situations import EVIDENCE_SITUATIONS
    from lapel_fleet.control.conformance.mutants import evidence_scores, scores

    if hasattr(original(), "handle"):
        return list(EVIDENCE_SITUATIONS.values()), evidence_scores
    return list(SITUATIONS.values()), scores


def _chosen(options: argparse.Namespace) -> Mapping[str, Any]:
    makers: Mapping[str, Any] = load_object("mutants", f"{options.file}:MUTANTS")
    for name in options.mutants:
        if name not in makers:
            raise ConfigError(f"mutants {options.file}: MUTANTS has no {name}")
    return {name: maker for name, maker in makers.items() if not options.mutants or name in options.mutants}


def _line(score: Any) -> str:
    caught, more = score.caught_by[:_SHOWN], len(score.caught_by) - _SHOWN
    text = ", ".join(caught) + (f" and {more} more" if more > 0 else "")
    if score.mutant == "(original)":
        text = f"FAILS: {text}" if caught else "clean"
    return f"{score.mutant:<30} {score.cpu_s:5.1f} s CPU  {text or 'NOT CAUGHT: ' + score.bug}"


def _print_summary(caught: list[Any], planted: list[Any], idle: list[str]) -> None:
    cpu_s = sum(one.cpu_s for one in planted)
    print(f"{len(caught)} of {len(planted)} caught, {cpu_s:.0f} s CPU in all")
    if idle:
        print(f"situations that catch none of them: {', '.join(idle)}")
