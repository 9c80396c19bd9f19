"""Simulated trigger inputs: a holster, a light bar."""

from collections.abc import AsyncIterator

from lapel.hardware.interfaces import TriggerEdge
from lapel.light_event import Broadcast
from lapel.policy.profile import TriggerSource


class SimulatedTriggers:
    """Implements `lapel.hardware.interfaces.Triggers`."""

    __slots__ = ("_edges",)

    def __init__(self) -> None:
        self._edges = Broadcast[TriggerEdge]()

    @property
    def are_read(self) -> bool:
        """Whether the firmware reads them."""
        return self._edges.has_readers

    def activate(self, source: TriggerSource) -> None:
        """Draw the weapon, switch the light bar on. Unnoticed while the camera is off."""
        self._edges.put(TriggerEdge(source, True))

    def release(self, source: TriggerSource) -> None:
        """Undo `activate`."""
        self._edges.put(TriggerEdge(source, False))

    def edges(self) -> AsyncIterator[TriggerEdge]:
        """See `Triggers.edges`."""
        return self._edges.items()
