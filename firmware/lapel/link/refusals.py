"""Messages that the broker refuses: what is refused now and why, and when to try again. Pure.

A refusal that concerns the message itself never ends, so the message must make way (`Outbox.yield_to_refusal`). Any
other is the broker's access list or its load: the message stays first, and is tried again after a pause.
"""

from dataclasses import dataclass
from typing import Literal

What = Literal["state", "event", "reply"]

RETRY_S = 30.0
"""Seconds between two attempts to publish what the broker refuses."""
LOSSES_MAX = 3
"""Connections lost in a row while one message was in flight, after which that message is suspected: a broker may close
the connection instead of refusing a message, as every broker of MQTT 3.1.1 does.
"""


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    retry_at_s: float


class Refusals:
    """The refusals in force, one for each kind of message."""

    __slots__ = ("_in_flight", "_losses", "_refused")

    def __init__(self) -> None:
        self._refused: dict[What, _Refusal] = {}
        self._in_flight = 0
        self._losses = 0

    @property
    def reason(self) -> str:
        """What the broker refuses and why; empty while it refuses nothing."""
        if not self._refused:  # as nearly always, and read several times per message
            return ""
        return "; ".join(f"{what}: {refusal.reason}" for what, refusal in self._refused.items())

    def refuse(self, what: What, reason: str, now_s: float) -> bool:
        """Note a refusal. Whether it is a new one, and not the same that goes on."""
        before = self._refused.get(what)
        self._refused[what] = _Refusal(reason, now_s + RETRY_S)
        return before is None or before.reason != reason

    def accept(self, what: What, number: int = 0) -> None:
        """The broker has accepted a message of that kind."""
        self._refused.pop(what, None)
        if number == self._in_flight:
            self._losses = 0

    def wait_s(self, what: What, now_s: float) -> float:
        """Seconds until the next attempt; 0 when it is due."""
        refusal = self._refused.get(what)
        return 0.0 if refusal is None else max(0.0, refusal.retry_at_s - now_s)

    def is_suspect(self, number: int) -> bool:
        """Note that the connection was lost while that message was in flight. Whether it is to blame."""
        self._losses = self._losses + 1 if number == self._in_flight else 1
        self._in_flight = number
        if self._losses < LOSSES_MAX:
            return False
        self._losses = 0
        return True
