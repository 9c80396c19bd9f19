"""Watches the trigger inputs: a holster that opens, a light bar that goes on."""

from collections.abc import Callable
from typing import Protocol

from lapel.clock import Clock, Instant
from lapel.hardware.interfaces import TriggerEdge, Triggers
from lapel.link.event_details import TriggerCancelled
from lapel.policy.profile import TriggerSource
from lapel.reporter import Reporter
from lapel.states import State
from lapel.timers import Timers


class Fire(Protocol):
    """Asks the camera for a recording."""

    def __call__(self, source: TriggerSource, at: Instant) -> None:
        """`source` has asked for it at that moment."""


class TriggerWatch:
    """Asks for a recording when an input becomes active, unless it goes back within the time of a false signal."""

    def __init__(
        self,
        triggers: Triggers,
        clock: Clock,
        reporter: Reporter,
        cancel_s: float,
        *,
        state: Callable[[], State],
        fire: Fire,
    ) -> None:
        """`cancel_s`: seconds for which an input must stay active; 0: it need not."""
        self._triggers, self._clock, self._reporter, self._cancel_s = triggers, clock, reporter, cancel_s
        self._state, self._fire = state, fire
        self._timers = Timers(clock)
        self._active: dict[TriggerSource, Instant] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async for edge in self._triggers.edges():
                self._on_edge(edge)
        finally:
            self._timers.close()

    def _on_edge(self, edge: TriggerEdge) -> None:
        now = self._clock.now()
        at = now if edge.at_s is None else now.shifted(edge.at_s - now.mono_s)
        if not edge.is_active:
            self._cancel(edge.source, at)
        elif self._cancel_s:
            self._active[edge.source] = at
            self._timers.set(edge.source, self._cancel_s, lambda: self._request(edge.source, at))
        else:
            self._request(edge.source, at)

    def _cancel(self, source: TriggerSource, at: Instant) -> None:
        if self._timers.cancel(source):
            after_s = max(0.0, at.mono_s - self._active[source].mono_s)
            self._reporter.announce(f"false signal of the {source}: it went back after {after_s:.1f} s")
            self._reporter.emit(TriggerCancelled(trigger=source, after_s=after_s))

    def _request(self, source: TriggerSource, at: Instant) -> None:
        if self._state() is not State.RECORDING:
            self._fire(source, at)
