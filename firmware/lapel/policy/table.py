"""Every start that can be asked for, with a profile's answer: the table that is reviewed, and compared."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import product

from lapel.policy.decision import Decision, Start, decide
from lapel.policy.profile import ACTIVITIES, CONTEXTS, SOURCES, STATES, Activity, Context, Profile


def all_starts(on: date) -> Iterator[Start]:
    """Every source and state with no or one context and no or one activity."""
    contexts: list[tuple[Context, ...]] = [(), *((one,) for one in CONTEXTS)]
    activities: list[tuple[Activity, ...]] = [(), *((one,) for one in ACTIVITIES)]
    for source, state, context, activity in product(SOURCES, STATES, contexts, activities):
        yield Start(source, state, context, activity, on)


def table_of(profile: Profile, on: date) -> list[tuple[Start, Decision]]:
    """The decision on every start."""
    return [(start, decide(profile, start)) for start in all_starts(on)]


def markdown(profile: Profile, on: date) -> str:
    """The table for people: a row for each source, state and context; activities with the same answer are put together.

    What a declared activity changes is said once where it is the same in every row.
    """
    contexts: list[tuple[Context, ...]] = [(), *((one,) for one in CONTEXTS)]
    rows = [
        (source, state, ", ".join(context) or "–", *_cells(profile, Start(source, state, context, (), on)))
        for source, state, context in product(SOURCES, STATES, contexts)
    ]
    declared = {row[-1] for row in rows}
    header = ("source", "state", "context", "no activity declared", "with a declared activity")
    if len(declared) > 1:
        return _lines(header, rows)
    table = _lines(header[:-1], [row[:-1] for row in rows])
    return f"With a declared activity, in every row: {declared.pop()}.\n\n{table}"


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (header, ["---"] * len(header), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def changes(before: Profile, after: Profile, on: date) -> Iterator[tuple[Start, Decision, Decision]]:
    """The starts that two profiles decide differently, or by other rules."""
    for start in all_starts(on):
        old, new = decide(before, start), decide(after, start)
        if (old.answer, old.rule, old.duties) != (new.answer, new.rule, new.duties):
            yield start, old, new


def _cells(profile: Profile, start: Start) -> tuple[str, str]:
    """The answer without an activity, and those of the activities that change it, together where they share one."""
    plain = decide(profile, start)
    cells: dict[str, list[str]] = {}
    for activity in ACTIVITIES:
        decision = decide(profile, replace(start, activities=(activity,)))
        if (decision.answer, decision.rule) != (plain.answer, plain.rule):
            cells.setdefault(_cell(decision), []).append(activity)
    return _cell(plain), "; ".join(f"{', '.join(names)}: {cell}" for cell, names in cells.items()) or "the same"


def _cell(decision: Decision) -> str:
    return f"{decision.answer} ({decision.rule})" if decision.rule else decision.answer
