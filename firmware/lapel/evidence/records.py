"""The records of a clip's manifest, one per fragment and happening. `chain.py` numbers, links and signs them.

Times on the clip's own time line are in seconds (`at_s`) or in ticks of 1/90000 s; `utc` is ISO 8601.
"""

from typing import Final, Literal

import msgspec

from lapel.audit_entry import AuditEntry
from lapel.evidence.chain import Record
from lapel.recording import Account

FORMAT: Final = "lapel-manifest-1"
AUDIT_FORMAT: Final = "lapel-audit-1"


class Recipient(msgspec.Struct, frozen=True):
    """Who can decrypt a clip, and the clip's data key wrapped for that key alone."""

    key_id: str
    """SHA-256 of the recipient's public key (DER SubjectPublicKeyInfo), in hex."""
    wrapped_key: str
    """HPKE (RFC 9180): encapsulated key and ciphertext, in base64."""


class Encryption(msgspec.Struct, frozen=True):
    """How the fragments of a clip are encrypted."""

    cipher: Literal["aes-256-gcm", "chacha20-poly1305"]
    key_wrapping: str
    """HPKE suite: KEM, KDF and AEAD by their names in RFC 9180."""
    recipients: list[Recipient]


class Open(Record, frozen=True, tag="open"):
    """The first record: which camera recorded, why, how it was set up, and who can check and read the clip."""

    format: str
    account: Account
    """The clip as it was begun: camera, firmware, trigger and source, clock quality, time zone, pre-event seconds."""
    configuration: str
    """SHA-256 of the configuration in force, in hex."""
    wearer: str | None
    """Badge id of who wears the camera; None while it is not known."""
    certificates: list[str]
    """Base64 DER: the certificate whose key signs this manifest, then those above it."""
    encryption: Encryption | None
    """None for a clip that is stored in the clear."""
    utc: str
    mono_s: float


class FragmentStored(Record, frozen=True, tag="fragment"):
    """A fragment is on the storage card. The fragments of a clip follow each other in the file without a gap; the first
    one contains the file's header.
    """

    fragment: int
    """Counts from 1 within the clip."""
    offset: int
    """Where its bytes begin in the file."""
    length: int
    sha256: str
    """Of the bytes as they are stored, in hex."""
    start_ticks: int
    duration_ticks: int
    frames: int
    dropped_frames: int
    """Frames that the camera could not take, since the fragment before."""
    sound: bool
    """Whether it contains sound."""
    utc: str
    """When its first frame was captured."""
    mono_s: float

    @property
    def end_ticks(self) -> int:
        """Where it ends on the clip's time line."""
        return self.start_ticks + self.duration_ticks


class PreEventStored(Record, frozen=True, tag="pre-event"):
    """Everything from before the trigger is on the storage card."""

    configured_s: float
    actual_s: float
    shortfall: str | None
    """Why `actual_s` is less than `configured_s`."""


class MarkerSet(Record, frozen=True, tag="marker"):
    """The wearer or an operator set a marker."""

    at_s: float
    label: str = ""
    """What it is called; empty for one without a label."""


class Categorised(Record, frozen=True, tag="category"):
    """A category was chosen for what is recorded; a later record replaces it."""

    category: str
    """Empty: uncategorised again."""
    is_critical: bool


class GapNoted(Record, frozen=True, tag="gap"):
    """An interval without frames or sound. A later record with the same start replaces it: the gap has grown."""

    of: Literal["video", "sound"]
    start_s: float
    duration_s: float
    reason: str


class Muted(Record, frozen=True, tag="mute"):
    """An interval that holds silence on purpose. A later record with the same start replaces it: it is over."""

    start_s: float
    end_s: float | None
    """None where it has not ended."""
    source: str
    reason: str


class ClockStepped(Record, frozen=True, tag="clock-step"):
    """The wall clock was set while the clip was recorded."""

    at_s: float
    by_s: float
    """Positive when the clock was moved forward."""


class Continued(Record, frozen=True, tag="continued"):
    """The activation goes on in another clip."""

    recording: str


class Close(Record, frozen=True, tag="close"):
    """The last record of a clip that ended as intended, or whose storage failed. `account` is also `recording.json`."""

    account: Account
    fragments: int
    bytes: int
    """Length of the file."""


class Tail(msgspec.Struct, frozen=True):
    """Bytes after the last whole record, or after the last fragment that a record describes."""

    length: int
    sha256: str
    kept_as: str
    """File beside the video that they were moved to."""


class Recovered(Record, frozen=True, tag="recovered"):
    """The last record of an interrupted clip, signed by the camera's next session: what that one found."""

    account: Account
    fragments: int
    bytes: int
    video_tail: Tail | None
    """What followed the last fragment that a record describes."""
    manifest_tail: Tail | None
    """An unfinished record."""
    reason: str
    utc: str


class AuditOpen(Record, frozen=True, tag="audit-open"):
    """A session of the camera, or a new file of its log, begins: whose key signs from this record on."""

    format: str
    camera: str
    """`agency/site/camera`."""
    certificates: list[str]
    """As in `Open`."""


class AuditRecord(Record, frozen=True, tag="audit"):
    """Something that happened to the camera."""

    entry: AuditEntry


class AuditTail(Record, frozen=True, tag="audit-tail"):
    """An unfinished line that power loss left at the end of the log: it was moved into a file beside."""

    tail: Tail
    utc: str


LogRecord = AuditOpen | AuditRecord | AuditTail
ManifestRecord = (
    Open
    | FragmentStored
    | PreEventStored
    | MarkerSet
    | Categorised
    | GapNoted
    | Muted
    | ClockStepped
    | Continued
    | Close
    | Recovered
)
