"""What a bridge or a broker may do to one camera's messages on their way to a back end, whatever they travel on.

Only what MQTT permits or a known product does; `scenario.faults` says for each kind which clause or product that is.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

REDELIVER_EVERY_S = 10.0
"""At most so often is an acknowledgement lost: a camera that got none at all would never make progress."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    connection: int
    """Number of the camera's connection over which it came."""
    properties: bytes | None = None
    """MQTT 5, as in the packet."""


class Timers(Protocol):
    """The part of an event loop that is used."""

    def time(self) -> float:
        """Seconds."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> object:
        """See `asyncio`."""


class DeliveryFaults:
    """Disturbs the deliveries of one camera. Idle, it takes nothing."""

    def __init__(self, send: Callable[[Delivery], None], timers: Callable[[], Timers]) -> None:
        """`send` delivers a message to the broker, or to the back ends, now."""
        self._send, self._timers = send, timers
        self._active: dict[str, int] = {}
        self._latency_s = 0.0
        self._held: list[Delivery] = []
        self._swapped: Delivery | None = None
        self._will: Delivery | None = None
        self._state: Delivery | None = None
        self._former_state: Delivery | None = None
        self._session_of: Callable[[bytes], str] = lambda _: ""
        self._redelivered_s = float("-inf")
        self._due_s = 0.0

    # -- faults --------------------------------------------------------------------------------------------------------

    def begin(self, kind: str, session_of: Callable[[bytes], str], latency_s: float = 0.0) -> Callable[[], None]:
        """Begin a fault; what is returned ends it, and delivers what it held. `session_of`: the session of a state's
        payload, empty when it cannot be read.
        """
        self._session_of, self._latency_s = session_of, latency_s
        self._active[kind] = self._active.get(kind, 0) + 1
        if kind == "delivery.state_again" and self._state is not None:
            self._send(self._state)
        stack = contextlib.ExitStack()
        stack.callback(self._end, kind)
        return stack.close

    def is_active(self, kind: str) -> bool:
        """Whether a fault of that kind is active."""
        return self._active.get(kind, 0) > 0

    @property
    def is_idle(self) -> bool:
        """Whether no fault is active."""
        return not any(self._active.values())

    def _end(self, kind: str) -> None:
        self._active[kind] -= 1
        if self._active[kind]:
            return
        if kind == "delivery.burst":
            self._release()
        elif kind == "delivery.swapped" and self._swapped is not None:
            last, self._swapped = self._swapped, None
            self._pass_on(last)

    # -- deliveries ----------------------------------------------------------------------------------------------------

    def takes(self, delivery: Delivery) -> bool:
        """Whether an active fault concerns this message: it must then be handed to `take`, and counts as delivered."""
        kinds = ["delivery.delayed", "delivery.burst"]
        if delivery.retain:
            kinds += ["delivery.late_will", "delivery.late_state"]
        else:
            kinds += ["delivery.swapped"] if delivery.qos else ["delivery.qos0_lost"]
        return any(map(self.is_active, kinds))

    def take(self, delivery: Delivery) -> None:
        """Deliver a message in the way of the active faults."""
        if not delivery.qos and self.is_active("delivery.qos0_lost"):
            return
        if delivery.qos and not delivery.retain and self.is_active("delivery.swapped"):
            self._swap(delivery)
        else:
            self._pass_on(delivery)
        if delivery.retain:
            self._on_state(delivery)

    def observe(self, delivery: Delivery) -> None:
        """Remember a retained state that no fault concerned."""
        if delivery.retain:
            self._state = delivery

    def on_connect(self) -> None:
        """The camera connected anew: its last state may be a former session's."""
        self._former_state = self._state

    def keeps_will(self, will: Delivery) -> bool:
        """A connection was lost: whether its will is kept until after the successor's birth."""
        if self.is_active("delivery.late_will"):
            self._will = will
            return True
        return False

    def loses_acknowledgement(self, delivery: Delivery) -> bool:
        """Whether the acknowledgement of this event is lost, and the connection with it."""
        now_s = self._timers().time()
        if delivery.retain or not delivery.qos or not self.is_active("delivery.redelivered"):
            return False
        if now_s < self._redelivered_s + REDELIVER_EVERY_S:
            return False
        self._redelivered_s = now_s
        return True

    # -- inside --------------------------------------------------------------------------------------------------------

    def _on_state(self, delivery: Delivery) -> None:
        """After a birth of a new session, deliver what is late of the former one: not retained, so that the broker
        keeps the truth.
        """
        session = self._session_of(delivery.payload)
        self._state = delivery
        for late in (self._will, self._former_state if self.is_active("delivery.late_state") else None):
            if late is not None and self._session_of(late.payload) not in ("", session):
                self._pass_on(replace(late, retain=False))
        self._will = self._former_state = None

    def _swap(self, delivery: Delivery) -> None:
        first, self._swapped = self._swapped, None
        if first is None:
            self._swapped = delivery
        else:
            self._pass_on(delivery)
            self._pass_on(first)

    def _pass_on(self, delivery: Delivery) -> None:
        if self.is_active("delivery.burst"):
            self._held.append(delivery)
            return
        timers = self._timers()
        now_s = timers.time()
        late_s = self._latency_s if self.is_active("delivery.delayed") else 0.0
        self._due_s = max(self._due_s, now_s + late_s)
        if self._due_s > now_s:
            timers.call_later(self._due_s - now_s, self._send, delivery)
        else:
            self._send(delivery)

    def _release(self) -> None:
        held, self._held = self._held, []
        for one in held:
            self._pass_on(one)
