"""What the offload engine reports, and what the camera permits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class OffloadListener(Protocol):
    """Receives what the engine does. Called on the event loop; must not block."""

    def on_started(self, recordings: int, size_bytes: int) -> None:
        """Recordings begin to leave the camera."""

    def on_offloaded(self, recording: str, size_bytes: int, seconds: float, requested_by: str) -> None:
        """The back end has all of a recording. `requested_by`: id of the command; empty without one."""

    def on_confirmed(self, clip: str, back_end: str) -> None:
        """The receipt for a clip is on file: its retention begins."""

    def on_receipt_refused(self, clip: str, reason: str) -> None:
        """A receipt does not hold. The clip stays."""

    def on_failed(self, recording: str, reason: str, requested_by: str) -> None:
        """A recording was rejected; or, where `recording` is empty, none can leave until a person acts."""

    def on_note(self, text: str) -> None:
        """For the log."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What may leave at the moment."""

    reason: str = ""
    """Why recordings wait; empty while they may leave."""
    requested_may_leave: bool = True
    """Whether requested ones may leave all the same, over the air."""
    again_s: float | None = None
    """When to look again, on the monotonic clock; None: when the camera says that something has changed."""


@dataclass(frozen=True, slots=True)
class OffloadStatus:
    """How far the offload is."""

    doing: str
    """In words: what it does, or why it waits."""
    is_active: bool = False
    blocked: str = ""
    """Why the back end takes nothing until a person acts; empty while it does."""
    recordings_left: int = 0
    bytes_left: int = 0
    awaiting_receipt: int = 0
    """Recordings that the back end has, and has not confirmed."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Recordings that the back end will never take, and why."""
    rate_bps: float = 0.0
    """Bits per second that have left over the last seconds."""
