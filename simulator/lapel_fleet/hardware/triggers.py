"""Simulated trigger inputs: a holster, a light bar."""

from collections.abc import AsyncIterator

from lapel.hardware.interfaces import TriggerEdge
from lapel.light_event import Inbox
from lapel.policy.profile import TriggerSource


class SimulatedTriggers:
    """Implements `lapel.hardware.interfaces.Triggers`."""

    __slots__ = ("_readers",)

    def __init__(self) -> None:
        self._readers: list[Inbox[TriggerEdge]] = []

    @property
    def are_read(self) -> bool:
        """Whether the firmware reads them."""
        return bool(self._readers)

    def activate(self, source: TriggerSource) -> None:
        """Draw the weapon, switch the light bar on. Unnoticed while the camera is off."""
        self._put(TriggerEdge(source, True))

    def release(self, source: TriggerSource) -> None:
        """Undo `activate`."""
        self._put(TriggerEdge(source, False))

    async def edges(self) -> AsyncIterator[TriggerEdge]:
        """See `Triggers.edges`."""
        edges = Inbox[TriggerEdge]()
        self._readers.append(edges)
        try:
            while True:
                yield await edges.get()
        finally:
            self._readers.remove(edges)

    def _put(self, edge: TriggerEdge) -> None:
        for reader in self._readers:
            reader.put(edge)
