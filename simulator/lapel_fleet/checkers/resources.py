"""Judges batteries and cards: what goes in, what goes out and what the camera says is left must add up."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from lapel_fleet.checkers.records import ActualRecord, Case, Resource

_PERCENT = 2.0
"""How far a told charge may lie from the true one: gauges round, and batteries recover when little is asked of them."""
_BYTES = 1_000_000
"""How far a told free space may lie from the true one: a file system keeps books of its own."""
_BYTES_A_RECORDING = 65_536
"""An account, a folder and the rest of a last block."""


def batteries_add_up(case: Case) -> Iterator[str | None]:
    """A charge never rises but on a charger, stays between 0 and 100, and is told as it is."""
    actual, received = case
    yield from _only_falls("the charge", actual.battery, _PERCENT / 100)
    for one in actual.battery:
        if not 0 <= one.left <= 100:
            yield f"a charge of {one.left:g} % at {one.at_s:.1f} s"
    told = [(at_s, getattr(message, "battery_percent", None)) for at_s, message in received.telemetry]
    yield from _told_as_it_is("the charge", actual, actual.battery, told, _PERCENT)


def storage_adds_up(case: Case) -> Iterator[str | None]:
    """Free space falls by what the recordings weigh, rises only when they are taken off, and is told as it is."""
    actual, received = case
    yield from _only_falls("the free space", actual.storage, _BYTES_A_RECORDING)
    told = [(at_s, message.storage_free_bytes) for at_s, message in received.telemetry]
    yield from _told_as_it_is("the free space", actual, actual.storage, told, _BYTES)
    if len(actual.storage) > 1 and not any(one.refilling for one in actual.storage):
        gone = actual.storage[0].left - actual.storage[-1].left
        held = sum(account.video_bytes + account.torn_bytes for account in actual.accounts)
        wrong = abs(gone - held) > _BYTES_A_RECORDING * (len(actual.accounts) + 1)
        yield f"{gone:.0f} bytes are gone, the recordings weigh {held}" if wrong else None


def _only_falls(what: str, samples: Sequence[Resource], tolerance: float) -> Iterator[str | None]:
    for before, after in pairwise(samples):
        rose = after.left > before.left + tolerance and not after.refilling
        yield f"{what} rises from {before.left:g} to {after.left:g} at {after.at_s:.1f} s" if rose else None


def _told_as_it_is(
    what: str,
    actual: ActualRecord,
    samples: Sequence[Resource],
    told: Sequence[tuple[float, float | None]],
    tolerance: float,
) -> Iterator[str | None]:
    """Telemetry tells what was measured at the last look; the truth is somewhere between the samples nearby it."""
    for at_s, left in told:
        nearby = _environment(samples, at_s - 2 * actual.telemetry_s, at_s)
        if left is not None and nearby:
            wrong = not min(nearby) - tolerance <= left <= max(nearby) + tolerance
            span = f"{min(nearby):g} to {max(nearby):g}"
            yield f"{what} is told as {left:g} at {at_s:.1f} s, it was {span}" if wrong else None


def _environment(samples: Sequence[Resource], from_s: float, to_s: float) -> list[float]:
    """The samples between the two moments, with the last before and the first after them."""
    before = max((one.at_s for one in samples if one.at_s <= from_s), default=-math.inf)
    after = min((one.at_s for one in samples if one.at_s >= to_s), default=math.inf)
    return [one.left for one in samples if before <= one.at_s <= after]
