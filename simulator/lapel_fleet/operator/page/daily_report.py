"""What should have been recorded on a day and was not, from the events of that day. Pure.

It answers from what the cameras themselves said. A camera that was off, or whose events have not come yet, says
nothing: the report counts such cameras, and cannot know what they missed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from lapel.link.messages import EventMessage
from lapel.states import TABLE, Event, No, State
from lapel_fleet.operator.page.recordings import Recording, recordings

LATE_S = 3600.0
"""An event that came so long after it happened is reported as late."""
CLOCK_TOLERANCE_S = 5.0
MANY_STARTS = 4
"""More starts of the firmware on one day than a shift explains: our choice."""
_NO_MISS = {row.reason for row in TABLE[State.RECORDING][Event.START] if isinstance(row, No)}
"""Reasons to refuse a start although a recording is being made."""
_PLAIN_KINDS: Mapping[str, str] = {
    "recording-failed": "recording failed",
    "source-lost": "no video",
    "picture-frozen": "video frozen",
    "microphone-lost": "no sound",
    "microphone-silent": "silent microphone",
    "storage-failed": "storage failed",
    "events-dropped": "events dropped",
    "offload-failed": "offload failed",
}
"""Events that are a finding by themselves."""
KINDS = (
    "duty missed", "duty cut short", "start refused", "short pre-event part", "footage lost", "recording failed",
    "no end on record", "gaps in a recording",
    "no video", "video frozen", "no sound", "silent microphone", "storage failed", "offload failed", "events dropped",
    "many starts", "clock ahead", "reported late",
)  # fmt: skip
"""Every finding, the worst first."""


@dataclass(frozen=True, slots=True)
class DatedEvent:
    """An event, its camera as `site/camera`, and when it was received."""

    camera: str
    event: EventMessage
    received: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is missing, or that hides whether something is."""

    time: str
    camera: str
    kind: str
    seconds: float | None
    """How much is missing; None where that is not known."""
    recording: str
    reason: str


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """One site's day."""

    site: str
    cameras: int
    recordings: int
    whole: int
    """Of those, how many have all that was configured from before the trigger."""
    findings: int


@dataclass(frozen=True, slots=True)
class DailyReport:
    """A day of a fleet."""

    agency: str
    day: str
    silent: tuple[str, ...]
    """Known cameras without any event on that day."""
    sites: tuple[SiteFigures, ...]
    findings: tuple[Finding, ...]

    @property
    def by_kind(self) -> list[tuple[str, int, float]]:
        """Each kind of finding that there is, its number and its seconds."""
        counts = Counter(one.kind for one in self.findings)
        seconds: Counter[str] = Counter()
        for one in self.findings:
            seconds[one.kind] += one.seconds or 0.0  # type: ignore[assignment]
        return [(kind, counts[kind], float(seconds[kind])) for kind in KINDS if counts[kind]]

    def by_cause(self, most: int = 20) -> list[tuple[str, str, int]]:
        """The most frequent kinds and reasons, without the figures in them."""
        counts = Counter((one.kind, _without_figures(one.reason)) for one in self.findings)
        return [(kind, cause, count) for (kind, cause), count in counts.most_common(most)]


def daily_report(agency: str, day: str, events: Iterable[DatedEvent], known: Iterable[str]) -> DailyReport:
    """The report on a day. `events`: of that day, in any order; `known`: all cameras that the history has."""
    ordered = sorted(events, key=lambda one: (one.camera, one.event.time, one.event.mono_s))
    by_camera = {camera: list(group) for camera, group in groupby(ordered, key=lambda one: one.camera)}
    made = {camera: recordings(one.event for one in group) for camera, group in by_camera.items()}
    findings = [finding for camera, group in by_camera.items() for finding in _of_camera(camera, group, made[camera])]
    findings.sort(key=lambda one: (KINDS.index(one.kind), one.time, one.camera))
    silent = sorted(set(known) - set(by_camera))
    return DailyReport(agency, day, tuple(silent), tuple(_sites(made, findings)), tuple(findings))


def _sites(made: Mapping[str, Sequence[Recording]], findings: Sequence[Finding]) -> Iterator[SiteFigures]:
    counts = Counter(one.camera.partition("/")[0] for one in findings)
    for site, group in groupby(sorted(made), key=lambda camera: camera.partition("/")[0]):
        cameras = list(group)
        own = [one for camera in cameras for one in made[camera]]
        whole = sum(one.prebuffer_s is not None and not one.shortfall for one in own)
        yield SiteFigures(site, len(cameras), len(own), whole, counts[site])


def _of_camera(camera: str, events: Sequence[DatedEvent], made: Sequence[Recording]) -> Iterator[Finding]:
    for one in events:
        yield from _of_event(camera, one.event)
    for recording in made:
        if recording.outcome == "unknown":
            yield Finding(
                recording.started, camera, "no end on record", None, recording.id, "the session ended before it"
            )
    starts = [one for one in events if one.event.kind == "booted"]
    if len(starts) > MANY_STARTS:
        yield Finding(
            starts[-1].event.time, camera, "many starts", None, "", f"the firmware started {len(starts)} times"
        )
    yield from _of_times(camera, events)


def _of_event(camera: str, event: EventMessage) -> Iterator[Finding]:
    detail = event.detail
    recording, reason = (str(detail.get(key) or "") for key in ("recording", "reason"))

    def finding(kind: str, seconds: float | None, why: str) -> Finding:
        return Finding(event.time, camera, kind, seconds, recording, why)

    match event.kind:
        case "duty-missed":
            yield finding("duty missed", None, f"{detail.get('activity')}, against {detail.get('rule')}: {reason}")
        case "duty-cut-short":
            why = f": {reason}" if reason else ""
            yield finding("duty cut short", None, f"against {detail.get('rule')}, by {detail.get('source')}{why}")
        case "refused" if detail.get("event") in ("start", "start-recording") and reason not in _NO_MISS:
            rule = f"against {detail['rule']}, " if detail.get("rule") else ""
            yield finding("start refused", None, f"{reason} ({rule}requested by {detail.get('source')})")
        case "prebuffer-saved" if detail.get("shortfall"):
            missing_s = max(0.0, _number(event, "configured_s") - _number(event, "actual_s"))
            yield finding("short pre-event part", missing_s, str(detail["shortfall"]))
        case "footage-lost":
            yield finding("footage lost", _number(event, "seconds"), reason)
        case "recording-saved" if _number(event, "gaps") or _number(event, "dropped_frames"):
            gaps, dropped = (int(_number(event, key)) for key in ("gaps", "dropped_frames"))
            yield finding("gaps in a recording", None, f"{gaps} gaps, {dropped} dropped frames")
        case kind if kind in _PLAIN_KINDS:
            listed = ", ".join(f"{count} {name}" for name, count in detail.items())
            yield finding(_PLAIN_KINDS[kind], None, listed if kind == "events-dropped" else reason)


def _of_times(camera: str, events: Sequence[DatedEvent]) -> Iterator[Finding]:
    """One finding for a clock that is ahead, and one for late events: by the event that shows it most."""
    ages = [((one.received - datetime.fromisoformat(one.event.time)).total_seconds(), one.event.time) for one in events]
    youngest_s, time = min(ages)
    if youngest_s < -CLOCK_TOLERANCE_S:
        yield Finding(time, camera, "clock ahead", -youngest_s, "", "an event came before its own time")
    oldest_s, time = max(ages)
    late = sum(age_s > LATE_S for age_s, _ in ages)
    if late:
        yield Finding(time, camera, "reported late", oldest_s, "", f"{late} events came more than an hour late")


def _number(event: EventMessage, key: str) -> float:
    """A number in the event's detail; 0 where it is missing or no number, since the reader does not check details."""
    value = event.detail.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def _without_figures(reason: str) -> str:
    """The reason with `…` for words with digits in them, so that like reasons count as one."""
    return " ".join("…" if any(char.isdigit() for char in word) else word for word in reason.split())
