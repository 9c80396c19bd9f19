"""What lies between a camera's broker and the back end: it can hold messages back, repeat, reorder, drop and edit them.

Everything that it does is permitted by MQTT or done by a known bridge or broker; each rule names which.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lapel.link.messages import Command, Outgoing, StateMessage
from lapel.link.transport import Envelope


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that a camera's broker passes on."""

    camera: str
    """`site/camera`."""
    message: Outgoing | Command
    envelope: Envelope
    note: str = ""

    @property
    def is_will(self) -> bool:
        """Whether the broker published it for a connection that was lost."""
        return isinstance(self.message, StateMessage) and self.message.time is None


Match = Callable[[Sent], bool]


class DeliveryLine:
    """Passes messages on, as its rules say. Rules apply to the messages sent while their block runs."""

    def __init__(self, deliver: Callable[[Sent], None], rng: random.Random) -> None:
        self._deliver, self._rng = deliver, rng
        self._rules: list[Callable[[Sent], bool]] = []

    def send(self, sent: Sent) -> None:
        """Deliver a message, unless a rule takes it. The newest rule is asked first."""
        if not any(rule(sent) for rule in reversed(self._rules)):
            self._deliver(sent)

    @contextmanager
    def holding(self, match: Match, note: str = "held back") -> Iterator[list[Sent]]:
        """Deliver these messages when the block ends: Will Delay Interval (MQTT 5, 3.1.3.2.2), a bridge's queue
        (Mosquitto bridges, `queue_qos0_messages`), a cluster that heals.
        """
        with self._taking(match) as kept:
            yield kept
        for one in kept:
            self._deliver(replace(one, note=note))

    @contextmanager
    def swapping(self, match: Match) -> Iterator[None]:
        """Deliver them when the block ends, each second one before the one it followed. MQTT orders messages per topic
        and publisher only (MQTT 5, 4.6); a bridge that resends without Receive Maximum 1 loses even that order.
        """
        with self._taking(match) as kept:
            yield
        for first, second in zip(kept[::2], [*kept[1::2], None], strict=False):
            for one in (second, first):
                if one is not None:
                    self._deliver(replace(one, note="order swapped"))

    @contextmanager
    def repeating(self, match: Match) -> Iterator[None]:
        """Deliver them at once, and again in the same order when the block ends: QoS 1 delivers at least once
        (MQTT 5, 4.3.2); after a lost connection the sender resends what was not acknowledged (4.4).
        """
        kept: list[Sent] = []

        def rule(sent: Sent) -> bool:
            if match(sent):
                kept.append(sent)
            return False

        with self._ruled(rule):
            yield
        for one in kept:
            self._deliver(replace(one, note="repeated"))

    @contextmanager
    def dropping(self, match: Match) -> Iterator[None]:
        """Lose them: QoS 0 (MQTT 5, 4.3.1); a will of a broker that crashed."""
        with self._taking(match):
            yield

    @contextmanager
    def mixing(self, match: Match) -> Iterator[None]:
        """Deliver them when the block ends; those of different cameras change places, as on a shared line, those of
        one camera do not.
        """
        with self._taking(match) as kept:
            yield
        for one in self._mixed(kept):
            self._deliver(replace(one, note="order of cameras changed"))

    @contextmanager
    def editing(self, match: Match, edit: Callable[[Envelope], Envelope], note: str) -> Iterator[None]:
        """Change them on the way: what another firmware would have published in their place."""

        def rule(sent: Sent) -> bool:
            if not match(sent):
                return False
            self._deliver(replace(sent, envelope=edit(sent.envelope), note=note))
            return True

        with self._ruled(rule):
            yield

    def _mixed(self, kept: Sequence[Sent]) -> Iterator[Sent]:
        queues: dict[str, list[Sent]] = {}
        for one in kept:
            queues.setdefault(one.camera, []).append(one)
        while queues:
            camera = self._rng.choice(sorted(queues))
            yield queues[camera].pop(0)
            if not queues[camera]:
                del queues[camera]

    @contextmanager
    def _taking(self, match: Match) -> Iterator[list[Sent]]:
        kept: list[Sent] = []

        def rule(sent: Sent) -> bool:
            if match(sent):
                kept.append(sent)
                return True
            return False

        with self._ruled(rule):
            yield kept

    @contextmanager
    def _ruled(self, rule: Callable[[Sent], bool]) -> Iterator[None]:
        self._rules.append(rule)
        try:
            yield
        finally:
            self._rules.remove(rule)
