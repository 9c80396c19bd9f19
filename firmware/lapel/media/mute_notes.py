"""Intervals in which a recording was muted, as each of its clips lists them. Pure."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lapel.recording import Cause, MuteNote


@dataclass(slots=True)
class Mute:
    """An interval of the monotonic clock."""

    start_s: float
    cause: Cause
    end_s: float = math.inf


def mute_notes(
    mutes: Iterable[Mute], clip_start_s: float, next_clip_s: float, ended_after_s: float | None
) -> Iterator[MuteNote]:
    """What lies in the clip from `clip_start_s` up to `next_clip_s` of the monotonic clock. `ended_after_s`: the length
    of a clip that has ended; None while it grows.
    """
    for one in mutes:
        start_s = max(0.0, one.start_s - clip_start_s)
        end_s = min(one.end_s - clip_start_s, next_clip_s - clip_start_s, ended_after_s or math.inf)
        if start_s < end_s:
            is_over = end_s < math.inf
            yield MuteNote(round(start_s, 3), round(end_s, 3) if is_over else None, one.cause.source, one.cause.reason)
