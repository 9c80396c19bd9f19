"""Decides whether a command may be carried out now. Pure: uses no broker and no camera.

A command can arrive late: from a broker's offline queue, sent again by a back end, or replayed by an attacker.
A recording that starts ten minutes after it was requested is worse than none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lapel.clock import iso
from lapel.link.messages import Command

HARMLESS = frozenset({"status", "request-log"})
"""Commands that change nothing; they may be late."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a command was delivered."""

    retained: bool = False
    live: bool = True
    """False while the broker may still be delivering what it queued while the camera was offline."""
    expiry_s: float | None = None
    """Seconds left of its MQTT 5 message expiry, counted down by the broker; None when it was sent without one."""


def objection(command: Command, delivery: Delivery, now: datetime, *, trusted: bool) -> str | None:
    """Why the command must not be carried out; None when it may. `trusted`: whether `now` can be compared with the
    sender's clock.
    """
    if delivery.retained:
        return "a retained command is never executed; clear it with an empty retained message"
    deadline = _deadline(command)
    if deadline is not None and trusted and now >= deadline:
        return f"expired at {iso(deadline)}"
    proved = delivery.expiry_s is not None or (deadline is not None and trusted)
    if not delivery.live and not proved and command.command not in HARMLESS:
        return (
            "delivered from the broker's offline queue without an expiry, so it may be stale; "
            "send it again with a message expiry (MQTT 5), or with sent_at and ttl_s"
        )
    return None


def _deadline(command: Command) -> datetime | None:
    if command.sent_at is None or command.ttl_s is None:
        return None
    try:
        return datetime.fromisoformat(command.sent_at) + timedelta(seconds=command.ttl_s)
    except (ValueError, OverflowError):  # a 31st of June; or a deadline after year 9999
        return None
