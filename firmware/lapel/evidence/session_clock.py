"""Where the sessions of a camera lie in time, when their clocks contradict each other. Pure.

A session lasts as long as its monotonic clock says, and none begins before the one before it has ended. So a clock that
was never set, that shows an impossible time, or that was set back, loses no second and doubles none.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionTime:
    """When a session began and ended by its own clock, in seconds since 1970, and how far that can be trusted."""

    start_s: float
    end_s: float
    is_set: bool
    """Whether its clock ever was."""
    is_synced: bool


def shifts(sessions: Sequence[SessionTime]) -> list[tuple[float, str]]:
    """By how many seconds each session must be moved, and why; 0 and an empty text for most."""
    limits = _limits(sessions)
    moved: list[tuple[float, str]] = []
    before_s: float | None = None
    for session, limit_s in zip(sessions, limits, strict=True):
        shift_s, why = _shift(session, before_s, limit_s)
        moved.append((shift_s, why))
        before_s = session.end_s + shift_s
    return moved


def _shift(session: SessionTime, before_s: float | None, limit_s: float | None) -> tuple[float, str]:
    """`before_s`: when the session before ended; `limit_s`: when the next one begins whose clock was synced."""
    what = ""
    if not session.is_set:
        what = "its clock was never set"
    elif not session.is_synced and limit_s is not None and session.end_s > limit_s:
        what = "its clock shows a time after that of later sessions"
    if what and before_s is None:
        return (limit_s - session.end_s if limit_s is not None else 0.0), f"{what}; when it ran is not known"
    if before_s is not None and (what or session.start_s < before_s):
        what = what or "its clock shows a time before the end of the session before"
        return before_s - session.start_s, f"{what}; it is shown directly after that session"
    return 0.0, ""


def _limits(sessions: Sequence[SessionTime]) -> list[float | None]:
    limits: list[float | None] = []
    limit_s: float | None = None
    for session in reversed(sessions):
        limits.append(limit_s)
        if session.is_synced:
            limit_s = session.start_s if limit_s is None else min(limit_s, session.start_s)
    return limits[::-1]
