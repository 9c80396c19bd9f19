"""The ledger of seconds: for every second of a camera's life, exactly one reason. Pure: entries in, spans out.

A span begins where the one before ends. What the log cannot say is *unknown*, with the two moments between which it is.

Times are in UTC, by the clock as it was last set in each session; within a session, spans are measured on the monotonic
clock. So a clock that was set loses and doubles nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from lapel.audit_entry import AuditEntry
from lapel.evidence.audit_reader import Logged
from lapel.evidence.session_clock import SessionTime, shifts
from lapel.sanitize import plain

Reason = Literal[
    "recorded", "no-frames", "buffering", "asleep", "docked", "starting", "fault", "off-by-button", "off-by-battery",
    "off", "deleted", "unknown",
]  # fmt: skip
REASONS: tuple[Reason, ...] = get_args(Reason)
_OFF: tuple[Reason, ...] = ("off-by-button", "off-by-battery", "off")
_OF_STATE: dict[str, Reason] = {
    "off": "off",
    "booting": "starting",
    "standby": "asleep",
    "buffering": "buffering",
    "recording": "recorded",
    "docked": "docked",
    "fault": "fault",
}
CLOCK_SET_S = 0.5


@dataclass(frozen=True, slots=True)
class Span:
    """An interval with one reason."""

    start: datetime
    end: datetime
    reason: Reason
    detail: str
    """In words: since what, by whom, why."""
    recording: str = ""
    """The clip that has these seconds."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Footage:
    """A stretch of a clip that has frames, on the monotonic clock of the session that recorded it."""

    recording: str
    session: str
    from_mono_s: float
    to_mono_s: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened at one moment, and explains why something was not recorded."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The spans of a camera's life, each beginning where the one before ends, and the notes beside them."""

    spans: list[Span]
    notes: list[Note]


def ledger_of(logged: Sequence[Logged], footage: Iterable[Footage] | None = None) -> Ledger:
    """The ledger by a camera's audit log. `footage`: what its clips hold; None where that is not known, and then a
    camera that was in the state *recording* counts as recording.
    """
    sessions, notes = _placed(list(_sessions(logged)))
    spans: list[Span] = []
    for session in sessions:
        if spans:
            spans += _between(spans[-1], session)
        spans += _within(session, after=spans[-1].end if spans else None)
        notes += _notes(session)
    if footage is not None:
        spans = _with_footage(spans, [one for one in map(_Placing(sessions).place, footage) if one])
    return Ledger(_joined(spans), notes)


def day_of(ledger: Ledger, start: datetime, end: datetime) -> Ledger:
    """The spans from `start` to `end`, which together last exactly that long. Where there is none it is *unknown*."""
    spans: list[Span] = []
    at = start
    for span in ledger.spans:
        if span.end <= at or span.start >= end:
            continue
        if span.start > at:
            spans.append(Span(at, span.start, "unknown", "the audit log begins later"))
        spans.append(replace(span, start=max(at, span.start), end=min(span.end, end)))
        at = spans[-1].end
    if at < end:
        spans.append(Span(at, end, "unknown", "the audit log has no entry after this"))
    return Ledger(spans, [note for note in ledger.notes if start <= note.at < end])


def sums_of(spans: Iterable[Span]) -> dict[Reason, float]:
    """Seconds of each reason."""
    sums = dict.fromkeys(REASONS, 0.0)
    for span in spans:
        sums[span.reason] += span.seconds
    return sums


@dataclass(frozen=True, slots=True)
class _Session:
    """The entries of one run of the firmware, and how its monotonic clock maps to UTC."""

    entries: list[Logged]
    offset_s: float

    def utc(self, mono_s: float) -> datetime:
        return datetime.fromtimestamp(mono_s + self.offset_s, UTC)

    @property
    def id(self) -> str:
        return self.entries[0].entry.session


def _sessions(logged: Sequence[Logged]) -> Iterator[_Session]:
    """Consecutive entries of the same session, on the clock as it was set last."""
    part: list[Logged] = []
    for one in [*logged, None]:
        if part and (one is None or one.entry.session != part[0].entry.session or one.entry.event == "power-on"):
            set_last = next((entry for entry in reversed(part) if entry.entry.clock_quality != "unsynced"), part[-1])
            yield _Session(part, _offset_s(set_last.entry))
            part = []
        if one is not None:
            part.append(one)


def _placed(sessions: list[_Session]) -> tuple[list[_Session], list[Note]]:
    """The sessions one after the other, whatever their clocks showed, and a note about each that was moved."""
    placed: list[_Session] = []
    notes: list[Note] = []
    for session, (shift_s, why) in zip(sessions, shifts([_time(one) for one in sessions]), strict=True):
        placed.append(replace(session, offset_s=session.offset_s + shift_s))
        if why:
            notes.append(Note(placed[-1].utc(session.entries[0].entry.mono_s), f"session {session.id}: {why}"))
    return placed, notes


def _time(session: _Session) -> SessionTime:
    start_s, end_s = (one.entry.mono_s + session.offset_s for one in (session.entries[0], session.entries[-1]))
    qualities = {one.entry.clock_quality for one in session.entries}
    return SessionTime(start_s, end_s, is_set=qualities != {"unsynced"}, is_synced="synced" in qualities)


def _offset_s(entry: AuditEntry) -> float:
    return datetime.fromisoformat(entry.utc).timestamp() - entry.mono_s


def _within(session: _Session, after: datetime | None) -> Iterator[Span]:
    """The spans of a session: from its first entry to its last, which may be without length."""
    first = session.utc(session.entries[0].entry.mono_s)
    start = max(first, after) if after else first
    reason, detail = _first_state(session.entries[0].entry)
    for one in session.entries:
        at = max(start, session.utc(_moment_s(one.entry)))
        if one.follows_problem:
            yield Span(start, at, "deleted", f"the audit log was changed: {one.follows_problem}")
            start, (reason, detail) = (
                at,
                _state_after(one.entry) or ("unknown", "the audit log was changed before this"),
            )
            continue
        if one.entry.event == "power-off" and reason in _OFF:
            continue  # the transition says more
        if (state := _state_after(one.entry)) is not None:
            yield Span(start, at, reason, detail)
            start, (reason, detail) = at, state
    yield Span(start, max(start, session.utc(session.entries[-1].entry.mono_s)), reason, detail)


def _moment_s(entry: AuditEntry) -> float:
    """When it happened: a transition notes when it was asked for, which is a little before it was noted."""
    at = entry.detail.get("at_mono_s")
    return float(at) if isinstance(at, int | float) else entry.mono_s


def _first_state(entry: AuditEntry) -> tuple[Reason, str]:
    return (
        ("starting", _powered(entry))
        if entry.event == "power-on"
        else ("unknown", "the session's beginning is missing")
    )


def _powered(entry: AuditEntry) -> str:
    reason = entry.detail.get("reason")
    return f"started after a {reason}" if reason else "switched on"


def _state_after(entry: AuditEntry) -> tuple[Reason, str] | None:
    """Reason and words for the time after an entry; None when it changes nothing."""
    if entry.event == "power-on":
        return _first_state(entry)
    if entry.event == "power-off":
        return "off", f"switched off: {entry.detail.get('reason')}"
    if entry.event != "transition":
        return None
    after, requester = str(entry.detail.get("after")), entry.detail.get("requester")
    why = entry.detail.get("reason")
    by = f"by {requester}" + (f": {why}" if why else "")
    reason = _off_by(entry) if after == "off" else _OF_STATE.get(after, "unknown")
    return reason, _words(after, by, str(why or ""))


def _off_by(entry: AuditEntry) -> Reason:
    if entry.detail.get("event") == "battery_critical":
        return "off-by-battery"
    is_button = (entry.detail.get("event"), entry.detail.get("source")) == ("power_off", "button")
    return "off-by-button" if is_button else "off"


def _words(state: str, by: str, why: str) -> str:
    match state:
        case "standby":
            return f"put to sleep {by}"
        case "buffering":
            return f"buffering, nothing was recording; since {by.removeprefix('by ')}"
        case "recording":
            return f"recording, started {by}"
        case "fault":
            return f"could not record: {why}"
        case "off":
            return f"switched off {by}"
        case _:
            return f"{state} {by}"


def _between(before: Span, session: _Session) -> Iterator[Span]:
    """From the end of one session to the beginning of the next."""
    start = session.utc(session.entries[0].entry.mono_s)
    if start <= before.end:
        return
    problem = session.entries[0].follows_problem
    if problem:
        yield Span(before.end, start, "deleted", f"the audit log was changed: {problem}")
    elif before.reason in _OFF:
        yield Span(before.end, start, before.reason, before.detail)
    else:
        yield Span(
            before.end, start, "unknown", f"power or process was lost between {_iso(before.end)} and {_iso(start)}"
        )


def _wearers_words(entry: AuditEntry) -> str | None:
    """What the wearer has to say, or did, where that may explain something."""
    detail = entry.detail
    match entry.event:
        case "note":
            wearer = f" by {plain(str(detail['wearer']))}" if detail.get("wearer") else ""
            return f"note{wearer}: {plain(str(detail.get('text')))}"
        case "stealth-changed":
            return f"stealth {'on' if detail.get('on') else 'off'}, by the {detail.get('source')}"
        case "self-tested" if detail.get("out_of_service"):
            return f"self-test failed: {detail.get('failed')}"
        case _:
            return None


def _notes(session: _Session) -> Iterator[Note]:
    for before, one in zip([None, *session.entries], session.entries, strict=False):
        entry = one.entry
        if before is not None and abs(step := _offset_s(entry) - _offset_s(before.entry)) > CLOCK_SET_S:
            yield Note(
                session.utc(entry.mono_s), f"the clock was set by {step:+.1f} s; earlier times are shown corrected"
            )
        if entry.event == "refused":
            detail = entry.detail
            text = f"{detail.get('event')} by {detail.get('source')} was refused: {detail.get('reason')}"
            yield Note(session.utc(entry.mono_s), text)
        if entry.event == "recording-failed":
            yield Note(session.utc(entry.mono_s), f"a recording failed: {entry.detail.get('reason')}")
        if (words := _wearers_words(entry)) is not None:
            yield Note(session.utc(entry.mono_s), words)


class _Placing:
    """Puts footage on the time line of the session that recorded it."""

    def __init__(self, sessions: list[_Session]) -> None:
        self._sessions = {session.id: session for session in sessions}

    def place(self, footage: Footage) -> tuple[datetime, datetime, str] | None:
        session = self._sessions.get(footage.session)
        if session is None:
            return None
        return session.utc(footage.from_mono_s), session.utc(footage.to_mono_s), footage.recording


def _with_footage(spans: list[Span], placed: list[tuple[datetime, datetime, str]]) -> list[Span]:
    """Seconds that a clip has are *recorded*, those before the press too; a recording's others have no frames. What a
    power loss left unknown is known as far as a clip goes.
    """
    result: list[Span] = []
    placed = sorted(placed)
    for span in spans:
        result += _split(span, [one for one in placed if one[0] < span.end and one[1] > span.start])
    return result


def _split(span: Span, placed: list[tuple[datetime, datetime, str]]) -> Iterator[Span]:
    if not placed and span.reason == "recorded":
        yield replace(span, detail=f"{span.detail}; by the log alone: no recording of it is here")
        return
    at = span.start
    for start, end, recording in placed:
        start, end = max(start, at), min(end, span.end)
        if end <= start:
            continue
        if start > at:
            yield _without_frames(replace(span, start=at, end=start))
        yield Span(start, end, "recorded", f"recorded in {recording}", recording)
        at = end
    if at < span.end:
        yield _without_frames(replace(span, start=at))


def _without_frames(span: Span) -> Span:
    if span.reason != "recorded":
        return span
    return replace(span, reason="no-frames", detail=f"{span.detail}, but without frames: see the recording's gaps")


def _joined(spans: list[Span]) -> list[Span]:
    """Neighbours of the same reason and words as one span; spans without length left out."""
    result: list[Span] = []
    for span in spans:
        if span.end <= span.start:
            continue
        last = result[-1] if result else None
        if last and (last.end, last.reason, last.detail) == (span.start, span.reason, span.detail):
            result[-1] = replace(last, end=span.end)
        else:
            result.append(span)
    return result


def why(ledger: Ledger, at: datetime, *, near: timedelta = timedelta(minutes=1)) -> str:
    """In words, why there is a recording of a moment, or why not."""
    span = next((one for one in ledger.spans if one.start <= at < one.end), None)
    if span is None:
        return f"At {_iso(at)}: unknown. The audit log has no entry around that time."
    lines = [f"At {_iso(at)}: {span.reason}, from {_iso(span.start)} to {_iso(span.end)}: {span.detail}."]
    lines += [f"{_iso(note.at)}: {note.text}." for note in ledger.notes if abs(note.at - at) <= near]
    return "\n".join(lines)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
