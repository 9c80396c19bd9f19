"""Checkers of batteries and storage cards: levels change only as they can, and telemetry reports them correctly."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from lapel_fleet.checkers.records import ActualRecord, Case, Resource

_PERCENT = 2.0
"""How far a reported charge may differ from the actual one: gauges round, and batteries recover under low load."""
_BYTES = 1_000_000
"""How far a reported free space may differ from the actual one: a file system needs some space itself."""
_BYTES_PER_RECORDING = 65_536
"""An account, a folder and the rest of a last block."""


def battery_charge_is_consistent(case: Case) -> Iterator[str | None]:
    """The charge rises only on a charger, stays between 0 and 100 %, and telemetry reports it correctly."""
    actual, received = case
    yield from _only_falls("the charge", actual.battery, _PERCENT / 100)
    for one in actual.battery:
        if not 0 <= one.left <= 100:
            yield f"a charge of {one.left:g} % at {one.at_s:.1f} s"
    reported = [(at_s, getattr(message, "battery_percent", None)) for at_s, message in received.telemetry]
    yield from _is_reported_correctly("the charge", actual, actual.battery, reported, _PERCENT)


def storage_space_is_consistent(case: Case) -> Iterator[str | None]:
    """Free space falls by the size of the recordings, rises only when they are removed, and telemetry reports it
    correctly.
    """
    actual, received = case
    yield from _only_falls("the free space", actual.storage, _BYTES_PER_RECORDING)
    reported = [(at_s, message.storage_free_bytes) for at_s, message in received.telemetry]
    yield from _is_reported_correctly("the free space", actual, actual.storage, reported, _BYTES)
    if len(actual.storage) > 1 and not any(one.refilling for one in actual.storage):
        used = actual.storage[0].left - actual.storage[-1].left
        recorded = sum(account.video_bytes + account.torn_bytes for account in actual.accounts)
        wrong = abs(used - recorded) > _BYTES_PER_RECORDING * (len(actual.accounts) + 1)
        yield f"{used:.0f} bytes were used, the recordings have {recorded}" if wrong else None


def _only_falls(what: str, samples: Sequence[Resource], tolerance: float) -> Iterator[str | None]:
    for before, after in pairwise(samples):
        rose = after.left > before.left + tolerance and not after.refilling
        yield f"{what} rises from {before.left:g} to {after.left:g} at {after.at_s:.1f} s" if rose else None


def _is_reported_correctly(
    what: str,
    actual: ActualRecord,
    samples: Sequence[Resource],
    reported: Sequence[tuple[float, float | None]],
    tolerance: float,
) -> Iterator[str | None]:
    """Telemetry reports the camera's last measurement; the actual value then was between the samples nearby."""
    for at_s, left in reported:
        nearby = _nearby(samples, at_s - 2 * actual.telemetry_s, at_s)
        if left is not None and nearby:
            wrong = not min(nearby) - tolerance <= left <= max(nearby) + tolerance
            span = f"{min(nearby):g} to {max(nearby):g}"
            yield f"{what} is reported as {left:g} at {at_s:.1f} s, it was {span}" if wrong else None


def _nearby(samples: Sequence[Resource], from_s: float, to_s: float) -> list[float]:
    """The samples between the two moments, with the last one before and the first one after them."""
    before = max((one.at_s for one in samples if one.at_s <= from_s), default=-math.inf)
    after = min((one.at_s for one in samples if one.at_s >= to_s), default=math.inf)
    return [one.left for one in samples if before <= one.at_s <= after]
