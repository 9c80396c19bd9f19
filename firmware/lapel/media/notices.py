"""What a recorder reports to the camera, as it happens on disk."""

from dataclasses import dataclass
from typing import Protocol

from lapel.recording import Account


class RecordingId(Protocol):
    """A recording, as far as a notice names it."""

    @property
    def id(self) -> str:
        """The id of its first clip."""


@dataclass(frozen=True, slots=True)
class Started:
    """The first whole fragment is on disk."""

    recording: RecordingId


@dataclass(frozen=True, slots=True)
class PreEventSaved:
    """Everything from before the trigger is on disk."""

    recording: RecordingId
    actual_s: float
    configured_s: float
    shortfall: str | None
    """Why `actual_s` is below `configured_s`; None when it is not."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A clip is complete; its account is written."""

    account: Account


@dataclass(frozen=True, slots=True)
class Lost:
    """Frames that will not be in the recording."""

    recording: RecordingId
    frames: int
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The storage failed; the recording takes no more. A `Lost` follows for what it could not write."""

    recording: RecordingId
    error: Exception


@dataclass(frozen=True, slots=True)
class ClipLost:
    """A clip's video was removed, replaced or changed while it was written. The recording goes on in a linked clip; a
    `Lost` follows for the frames that are gone.
    """

    recording: RecordingId
    clip: str
    error: Exception


Notice = Started | PreEventSaved | Saved | Lost | ClipLost | Failed
