"""May this command be carried out now? Pure: knows no broker and no camera.

A command can come late: out of a broker's queue, sent again by a back end, or replayed by an attacker.
A recording that starts ten minutes after it was asked for is worse than none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lapel.clock import iso
from lapel.link.messages import Command

HARMLESS = frozenset({"status", "request-log"})
"""They change nothing, so they may be late."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a command came."""

    retained: bool = False
    live: bool = True
    """False while the broker may still be handing over what it kept while we were away."""
    expiry_s: float | None = None
    """What is left of its life, as the broker counted it; None when the broker was not asked to count."""


def objection(command: Command, delivery: Delivery, now: datetime, *, trusted: bool) -> str | None:
    """Why it must not be carried out; None when it may. `trusted` says whether `now` can be compared with the sender's
    clock.
    """
    if delivery.retained:
        return "a retained command is never executed; clear it with an empty retained message"
    deadline = _deadline(command)
    if deadline is not None and trusted and now >= deadline:
        return f"expired at {iso(deadline)}"
    proved = delivery.expiry_s is not None or (deadline is not None and trusted)
    if not delivery.live and not proved and command.command not in HARMLESS:
        return "came out of the broker's queue and nothing proves that it still holds; send it again, with an expiry"
    return None


def _deadline(command: Command) -> datetime | None:
    if command.sent_at is None or command.ttl_s is None:
        return None
    try:
        return datetime.fromisoformat(command.sent_at) + timedelta(seconds=command.ttl_s)
    except (ValueError, OverflowError):  # a 31st of June; or a life longer than the calendar
        return None
