"""What a simulated camera offloads with: its card, its notes on what has arrived, and where recordings go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lapel.clock import Clock
from lapel.evidence.receipt import PublicKey
from lapel.evidence.retention import RetentionRules
from lapel.offload.interface import Destination
from lapel.offload.progress import MemoryNotes
from lapel.offload.throttle import RateLimit
from lapel.offload_watch import OffloadParts
from lapel_fleet.hardware.outgoing_card import OutgoingCard
from lapel_fleet.hardware.powered_storage import PoweredStorage
from lapel_fleet.hardware.storage import Outgoing, StorageCard
from lapel_fleet.scenario.offload import Offload


@dataclass(frozen=True, slots=True)
class OffloadTarget:
    """Where a camera offloads."""

    destination: Callable[[], Destination]
    """Makes a new one, for each run of the firmware."""
    back_ends: Sequence[PublicKey]
    """The keys whose receipts count."""


class CameraOffload:
    """The offload of one camera. Its notes are on the flash: they outlive a power cut."""

    __slots__ = ("_card", "_clock", "_current", "_notes", "_on_removed", "_outgoing", "_settings", "_target")

    def __init__(
        self,
        target: OffloadTarget,
        settings: Offload,
        clock: Clock,
        current: Callable[[], StorageCard],
        on_removed: Callable[[], None],
    ) -> None:
        """`current`: the card in the camera. `on_removed` is called when a clip was deleted."""
        self._target, self._settings, self._clock = target, settings, clock
        self._current, self._on_removed = current, on_removed
        self._notes = MemoryNotes()
        self._card: StorageCard | None = None
        self._outgoing: Outgoing | None = None

    def parts(self, storage: PoweredStorage) -> tuple[OffloadParts, OutgoingCard]:
        """What a run of the firmware offloads with, and what deletes for it."""
        card = OutgoingCard(self._of_current_card, storage, self._on_removed)
        throttle = RateLimit(self._clock, self._settings.limit_bps) if self._settings.limit_bps else None
        return OffloadParts(self._target.destination(), card, self._notes, throttle), card

    def _of_current_card(self) -> Outgoing:
        """Receipts are on the card: another card has none."""
        card = self._current()
        if self._outgoing is None or card is not self._card:
            rules = RetentionRules(timedelta(hours=self._settings.keep_h))
            self._card, self._outgoing = card, card.outgoing(self._target.back_ends, rules)
        return self._outgoing
