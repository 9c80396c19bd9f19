"""An entry of the audit log: something that happened to a camera, when, and in which of its sessions."""

from collections.abc import Sequence

import msgspec

DELETIONS = ("deletion", "recording-deleted")
"""The entry before a recording is removed, and the event after it: power may be lost between the two."""
Value = str | int | float | bool | Sequence[str] | None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a camera.

    `event` is the kind of an event of the fleet contract, or one of these, which are in no message:

    * `power-on` {reason, firmware, configuration, time_zone}, `power-off` {reason}: a session of the firmware;
    * `transition` {event, before, after, source, reason, command}: the state chart, and by whose request;
    * `heartbeat` {state}: the camera was alive;
    * `console-login`, `console-login-failed`, `console-command` … {…}: what was done at the service port;
    * `deletion` {recording, close, back_end, received_at, category}: a recording is about to be deleted from the card;
    * `entries-lost` {count, since}: the disk did not take entries, and memory had no room for more.
    """

    event: str
    detail: dict[str, Value]
    utc: str
    """ISO 8601."""
    mono_s: float
    session: str
    """Id of the firmware's run: monotonic times of two runs cannot be compared."""
    clock_quality: str


class AuditPosition(msgspec.Struct, frozen=True):
    """Length and newest hash of the audit log."""

    count: int
    hash: str
