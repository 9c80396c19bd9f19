"""The network link of one simulated camera: its interface, and how a bad link delays messages.

Implemented in memory by `virtual_network`, over real sockets by `relayed_network`.
"""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from lapel.check import Check
from lapel.config import LinkSection
from lapel.link.transport import Transport

WILL_AFTER_KEEPALIVES = 1.5
"""Keepalives of silence after which a broker publishes the last will (MQTT 3.1.1 and 5)."""
RETRY_S = 0.2
"""First retransmission of a lost TCP segment: Linux waits at least 200 ms (TCP_RTO_MIN), then doubles the wait."""


class SimulatedNetwork(Transport, Protocol):
    """One camera's link to its broker, with methods by which the outside world disturbs it."""

    @property
    def disturbs_every_subscriber(self) -> bool:
        """Whether `disturb_delivery` concerns every subscriber, the run's own too; else back ends only."""

    @property
    def is_down(self) -> bool:
        """Whether messages do not arrive at the moment."""

    def unplug(self) -> None:
        """Take the camera's interface down: the camera notices at once, the broker by its keepalive time-out."""

    def plug_in(self) -> None:
        """Bring the interface up again."""

    def make_half_open(self) -> None:
        """Lose everything in both directions without closing a connection; both ends notice by their time-outs."""

    def restore(self) -> None:
        """Undo `make_half_open`. A connection that neither end has given up continues."""

    def degrade(self, latency_s: float = 0.0, loss: float = 0.0) -> None:
        """Delay every message by `latency_s` each way; lose a share of them, which TCP retransmits. The defaults undo
        it.
        """

    def disturb_delivery(self, kind: str, session_of: Callable[[bytes], str], latency_s: float) -> Callable[[], object]:
        """Begin a fault of `delivery_faults` on the way to the back end; what is returned ends it. `session_of`: the
        session in a state's payload, empty when it cannot be read.
        """

    def lose_power(self) -> None:
        """Drop whatever the firmware still tries to send."""

    def restore_power(self) -> None:
        """Undo `lose_power`: the next connect works again."""

    def configure(self, link: LinkSection) -> None:
        """Apply the link settings with which the camera starts."""

    @property
    def address(self) -> str:
        """The address of the broker that these settings lead to, as a configuration file names it."""

    async def probe(self, client_id: str) -> Sequence[Check]:
        """Connect to the broker under that client id, step by step; see `lapel.link.probe`."""

    async def close(self) -> None:
        """Release sockets at the end of the run."""


class DeliveryDelay:
    """When messages in one direction arrive. They stay in order: none overtakes another."""

    def __init__(self, rng: random.Random) -> None:
        self.latency_s = self.loss = 0.0
        self._rng = rng
        self._free_s = 0.0

    def due_s(self, now_s: float) -> float:
        """When a message that is sent now arrives."""
        takes_s, retry_s = self.latency_s, RETRY_S
        while self.loss and self._rng.random() < self.loss:
            takes_s, retry_s = takes_s + retry_s, 2 * retry_s
        self._free_s = max(self._free_s, now_s + takes_s)
        return self._free_s

    def is_busy(self, now_s: float) -> bool:
        """Whether a message is still on its way, which a message sent now cannot overtake."""
        return self._free_s > now_s

    def reset(self) -> None:
        """Begin a new connection, which does not queue behind the messages of the one before."""
        self._free_s = 0.0
