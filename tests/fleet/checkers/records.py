"""Records made by hand: one camera, one recording from its press at 100 s to its stop at 110 s."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lapel.audit_entry import AuditEntry
from lapel.clock import iso
from lapel.link.messages import EventMessage, Reply, StateMessage, Telemetry
from lapel.recording import Account, Cause
from lapel_fleet.checkers.records import Activation, ActualRecord, Arrival, Case, Message, ReceivedRecord
from lapel_fleet.checkers.uploads import Upload

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
POWER_ON: tuple[float, str, dict[str, Any]] = (0.0, "power-on", {})
LIGHTS = [(0.0, "booting"), (1.0, "buffering"), (100.0, "recording"), (110.0, "buffering")]


def utc(at_s: float) -> str:
    return iso(_EPOCH + timedelta(seconds=at_s))


def account(id_: str = "clip", at_s: float = 100.0, **changes: Any) -> Account:
    """30 s of pre-event video and 10 s from the press on."""
    defaults: dict[str, Any] = {
        "recording": id_, "status": "complete", "agency": "a", "site": "s", "camera": "c", "session": "one",
        "firmware": "0", "clock_quality": "synced", "trigger_time": utc(at_s), "start_time": utc(at_s - 30),
        "end_time": utc(at_s + 10), "start": Cause("button"), "stop": Cause("button"), "prebuffer_configured_s": 30.0,
        "prebuffer_actual_s": 30.0, "prebuffer_saved": True, "duration_s": 40.0, "frames": 1200, "fragments": 4,
        "video_bytes": 1_000_000,
    }  # fmt: skip
    return Account(**{**defaults, **changes})


def audit(*entries: tuple[float, str, dict[str, Any]], session: str = "one", clock_s: float = 0.0) -> list[AuditEntry]:
    """Entries of an audit log: when, kind, detail. `clock_s`: how far the wall clock is off."""
    return [
        AuditEntry(
            event=kind, detail=detail, utc=utc(at_s + clock_s), mono_s=at_s, session=session, clock_quality="synced"
        )
        for at_s, kind, detail in entries
    ]


def moved(at_s: float, after: str) -> tuple[float, str, dict[str, Any]]:
    return at_s, "transition", {"after": after, "requester": "the button"}


def press(at_s: float = 100.0, command: str = "") -> Activation:
    return Activation(at_s, utc(at_s), command)


def event(number: int, kind: Any = "marker", at_s: float = 100.0, session: str = "one", **detail: Any) -> EventMessage:
    return EventMessage(
        id=f"{session}-{number}", kind=kind, time=utc(at_s), mono_s=at_s, camera="c", session=session, detail=detail
    )


def state(name: Any, session: str = "one", *, will: bool = False, recording: str | None = None) -> StateMessage:
    time = None if will else utc(0)
    return StateMessage(
        state=name, agency="a", site="s", camera="c", session=session, firmware="0", flags=[], time=time,
        recording=recording,
    )  # fmt: skip


def reply(id_: str, result: Any, **more: Any) -> Reply:
    return Reply(id=id_, command="start-recording", result=result, state="buffering", time=utc(0), **more)


def telemetry(name: Any = "buffering", **more: Any) -> Telemetry:
    defaults: dict[str, Any] = {
        "time": utc(0), "session": "one", "state": name, "uptime_s": 0.0, "buffered_s": 30.0, "buffered_bytes": 1,
        "measured_fps": 30.0, "dropped_frames": 0, "unwritten_bytes": 0, "events_waiting": 0, "events_dropped": 0,
    }  # fmt: skip
    return Telemetry(**{**defaults, **more})


def case(*arrivals: tuple[float, Message] | Message, uploads: Sequence[Upload] | None = None, **actual: Any) -> Case:
    """An actual record, and a received record of messages that arrive at their times, or at 0 s, and of `uploads`."""
    received = ReceivedRecord(uploads=None if uploads is None else list(uploads))
    for one in arrivals:
        at_s, message = one if isinstance(one, tuple) else (0.0, one)
        received.arrivals.append(Arrival(at_s, message))
        for kind, kept in ((EventMessage, received.events), (Reply, received.replies), (StateMessage, received.states)):
            if isinstance(message, kind):
                kept.append(message)  # type: ignore[arg-type]
    return ActualRecord("s/c", **actual), received
