"""Checkers of what the wearer sees: a recording is visible, and lights are off in stealth only, which is on record."""

from collections.abc import Iterator
from itertools import pairwise

from lapel.indications import LIGHTS
from lapel_fleet.checkers.records import ActualRecord, Case, events_of

_RECORDING_LIGHTS = {LIGHTS["recording"], LIGHTS["muted"]}
_SETTLED_S = 1.0
"""Between a gesture and its entry; and how long a light may lag behind the state."""
_STEALTH = "stealth-changed"

_Span = tuple[float, float]


def recordings_are_indicated(case: Case) -> Iterator[str | None]:
    """While a camera records, it shows the light for that; or none, in stealth that is on record."""
    actual, _ = case
    if not actual.lights:
        return
    stealth = _stealth_spans(case)
    for from_s, to_s, state in _spans(actual.states):
        if state == "recording":
            dark_s = list(_unindicated(actual, (from_s + _SETTLED_S, to_s), stealth))
            where = ", ".join(f"from {one:.1f} s to {other:.1f} s" for one, other in dark_s)
            yield f"recorded without a light for it {where}" if dark_s else None


def stealth_is_on_record(case: Case) -> Iterator[str | None]:
    """Each time that the wearer switches lights, tones and vibrations off or on is on record, and nothing else is."""
    actual, _ = case
    if not actual.lights:
        return
    limit_s = _SETTLED_S + actual.precision_s
    recorded_s = [at_s for at_s, _ in _stealth_records(case)]
    for at_s in actual.stealth_changes:
        was_off = any(state == "off" and at_s - limit_s <= off_s <= at_s + limit_s for off_s, state in actual.states)
        if not was_off:
            found = any(abs(at_s - other_s) <= limit_s for other_s in recorded_s)
            yield None if found else f"the wearer changed stealth at {at_s:.1f} s, which is not on record"


def _unindicated(actual: ActualRecord, span: _Span, stealth: list[_Span]) -> Iterator[_Span]:
    limit_s = _SETTLED_S + actual.precision_s
    for shown_s, until_s, light in _spans(actual.lights):
        from_s, to_s = max(span[0], shown_s), min(span[1], until_s)
        if to_s - from_s <= limit_s or light in _RECORDING_LIGHTS:
            continue
        is_stealth = light == "dark" and any(
            one - limit_s <= from_s and to_s <= other + limit_s for one, other in stealth
        )
        if not is_stealth:
            yield from_s, to_s


def _stealth_records(case: Case) -> list[tuple[float, bool]]:
    """When stealth was switched on or off, by the audit log and by what the fleet received."""
    events = [(event.mono_s, bool(event.detail["on"])) for event in events_of(case) if event.kind == _STEALTH]
    entries = [(entry.mono_s, bool(entry.detail["on"])) for entry in case[0].audit if entry.event == _STEALTH]
    return sorted({(round(at_s, 3), is_on) for at_s, is_on in (*events, *entries)})


def _stealth_spans(case: Case) -> list[_Span]:
    spans: list[_Span] = []
    for (from_s, is_on), (to_s, _) in pairwise([*_stealth_records(case), (float("inf"), False)]):
        if is_on:
            spans = (
                [*spans[:-1], (spans[-1][0], to_s)] if spans and spans[-1][1] == from_s else [*spans, (from_s, to_s)]
            )
    return spans


def _spans(changes: list[tuple[float, str]]) -> Iterator[tuple[float, float, str]]:
    """Each value with when it began and when the next one did."""
    for (from_s, value), (to_s, _) in pairwise([*changes, (float("inf"), "")]):
        yield from_s, to_s, value
