"""Checkers of sound: it is there when promised and only then, its gaps are reported, its level is plausible, and a
microphone that fails is reported.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from lapel.link.messages import EventMessage, Telemetry
from lapel.recording import Account
from lapel_fleet.checkers.recordings import activations_with_clips
from lapel_fleet.checkers.records import ActualRecord, Case, events_of, overlap_s

_TOLERANCE_S = 0.2
"""Of each gap: two AAC frames at each end, and those that are not reported because they are shorter than 0.1 s."""
_REOPENED_S = 1.1
"""A microphone is tried again every second."""
_SILENT_DBFS = -90.0
"""No working microphone delivers less."""
_SILENT_S = 10.0
"""Silence that lasts so long in a recording is reported."""
_LEVEL_S = 1.0
"""Telemetry has the level over the last second."""
_CAPTURING = {"buffering", "recording"}
_STARTED_S = 2.0
"""A microphone may deliver nothing for so long after the camera began to capture."""


def sound_is_recorded_as_promised(case: Case) -> Iterator[str | None]:
    """A camera with a microphone says that its recordings have sound, and they have it, from the trigger on; those of
    any other camera have none.
    """
    actual, _ = case
    if actual.records_sound is None:
        return
    manifests = {one.recording: one for one in actual.manifests}
    for account in actual.accounts:
        if account.status != "complete" or not account.fragments:
            continue
        manifest = manifests.get(account.recording)
        with_sound = manifest.with_sound if manifest is not None else None
        if account.audio != actual.records_sound:
            yield f"{account.recording}: {_promise(account.audio)}, the camera is set up to record {_what(actual)}"
        elif not account.audio and with_sound:
            yield f"{account.recording}: {_promise(False)}, {with_sound} fragments have it"
        elif account.audio and with_sound == 0 and _promised_s(account) > _LEVEL_S:
            yield f"{account.recording}: {_promise(True)}, and no gap of it is reported; no fragment has it"
        elif manifest is not None and (first_s := manifest.first_sound_s) is not None:
            early = not account.audio_in_prebuffer and first_s < _trigger_s(account) - _TOLERANCE_S
            yield f"{account.recording}: sound from before the trigger is recorded" if early else None
        else:
            yield None


def sound_gaps_are_reported(case: Case) -> Iterator[str | None]:
    """The account of a complete recording reports as gaps the time in which the microphone delivered no sound, and no
    other time.
    """
    actual, _ = case
    if not actual.records_sound:
        return
    missing = _apart([*actual.microphone_outages, *actual.microphone_stalls])
    for one, clips in activations_with_clips(actual):
        for clip in clips:
            if clip.status != "complete" or clip.start_time is None or not clip.audio:
                continue
            begin_s = one.at_s + _seconds(clip.trigger_time, clip.start_time)
            from_s = begin_s if clip.audio_in_prebuffer else max(begin_s, one.at_s)
            to_s = begin_s + clip.duration_s
            missing_s, reported_s = overlap_s(missing, from_s, to_s), _gaps_s(clip)
            gaps = 1 + sum(from_s < end_s and start_s < to_s for start_s, end_s in missing)
            tolerance_s = gaps * (_TOLERANCE_S + actual.precision_s)
            is_right = missing_s - tolerance_s <= reported_s <= missing_s + tolerance_s + gaps * _late_s(actual)
            text = f"{clip.recording}: {missing_s:.1f} s without sound, {reported_s:.1f} s are reported"
            yield None if is_right else text


def sound_level_is_plausible(case: Case) -> Iterator[str | None]:
    """Telemetry has the level of the sound where sound is recorded: that of a working microphone, or of silence while
    the microphone is silent or unplugged.
    """
    actual, received = case
    if actual.records_sound is None:
        return
    began_s = {entry.session: entry.mono_s for entry in actual.audit if entry.event == "power-on"}
    for at_s, telemetry in received.telemetry:
        if telemetry.session in began_s:
            to_s = began_s[telemetry.session] + telemetry.uptime_s
            yield _implausible(actual, to_s - _LEVEL_S - actual.precision_s, to_s, telemetry)
        else:
            yield _implausible(actual, at_s - actual.message_age_s - _LEVEL_S, at_s, telemetry)


def microphone_faults_are_reported(case: Case) -> Iterator[str | None]:
    """A microphone that is unplugged while the camera captures, or silent while it records, is an event, unless it
    worked again soon; and no such event comes without a reason.
    """
    actual, _ = case
    events = events_of(case)
    if not actual.records_sound or any(event.kind == "events-dropped" for event in events):
        return
    soon_s = actual.telemetry_s + actual.message_age_s  # the camera looks once in each interval
    for first_s, outage in _with_earlier(actual.microphone_outages, soon_s):
        for begin_s, end_s in _in_states(case, _CAPTURING, outage):
            if end_s - begin_s > soon_s:
                is_reported = _has(events, "microphone-lost", first_s, begin_s + soon_s)
                yield None if is_reported else f"the microphone was unplugged at {begin_s:.1f} s; no event says so"
    for first_s, silence in _with_earlier(actual.microphone_silences, soon_s):
        for begin_s, end_s in _in_states(case, {"recording"}, silence):
            delivers = not overlap_s(actual.microphone_outages, begin_s, end_s)
            if delivers and end_s - begin_s > _SILENT_S + soon_s:
                is_reported = _has(events, "microphone-silent", first_s, begin_s + _SILENT_S + soon_s)
                yield None if is_reported else f"the microphone was silent at {begin_s:.1f} s; no event says so"
    for event in events:
        yield _groundless(actual, event)


def _groundless(actual: ActualRecord, event: EventMessage) -> str | None:
    """What is wrong with an event about a microphone."""
    lately_s = event.mono_s - _STARTED_S - actual.precision_s
    if event.kind == "microphone-lost":
        started = actual.states_between(lately_s, event.mono_s) - _CAPTURING
        lost = started or overlap_s(actual.microphone_outages, lately_s, event.mono_s)
        return None if lost else f"microphone-lost at {event.mono_s:.1f} s: it was plugged in"
    if event.kind == "microphone-silent":
        silent = overlap_s(actual.microphone_silences, event.mono_s - _SILENT_S, event.mono_s)
        return None if silent else f"microphone-silent at {event.mono_s:.1f} s: it was not silent"
    return None


def _implausible(actual: ActualRecord, from_s: float, at_s: float, telemetry: Telemetry) -> str | None:
    """What is wrong with the level over a second between the two moments."""
    rms, peak = telemetry.sound_rms_dbfs, telemetry.sound_peak_dbfs
    if rms is None or peak is None:
        return f"no level of the sound at {at_s:.1f} s, it is recorded" if actual.records_sound else None
    if not actual.records_sound:
        return f"a level of the sound, {rms:g} dBFS, at {at_s:.1f} s, none is recorded"
    if peak < rms - 0.1:
        return f"a peak of {peak:g} dBFS at {at_s:.1f} s, below the level of {rms:g} dBFS"
    if actual.states_between(from_s - _STARTED_S, at_s) - _CAPTURING:
        return None
    quiet_s = overlap_s(_apart([*actual.microphone_outages, *actual.microphone_silences]), from_s, at_s)
    if not quiet_s and rms <= _SILENT_DBFS:
        return f"{rms:g} dBFS at {at_s:.1f} s, the microphone works"
    if quiet_s >= at_s - from_s and rms > _SILENT_DBFS:
        return f"{rms:g} dBFS at {at_s:.1f} s, the microphone delivers no sound"
    return None


def _in_states(case: Case, states: set[str], interval: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """The parts of an interval in which the camera was in one of `states` without a break."""
    actual, received = case
    end_s = received.arrivals[-1].at_s if received.arrivals else 0.0
    changes = [*actual.states, (end_s, "")]
    spans = [(begin_s, to_s) for (begin_s, state), (to_s, _) in pairwise(changes) if state in states]
    for begin_s, to_s in _apart(spans):
        if begin_s < interval[1] and to_s > interval[0]:
            yield max(begin_s, interval[0]), min(to_s, interval[1])


def _has(events: Iterable[EventMessage], kind: str, from_s: float, to_s: float) -> bool:
    return any(event.kind == kind and from_s <= event.mono_s <= to_s for event in events)


def _with_earlier(
    intervals: Iterable[tuple[float, float]], soon_s: float
) -> Iterator[tuple[float, tuple[float, float]]]:
    """Each interval, after the moment since which the fault may have been reported: the camera, which looks once in
    `soon_s`, may take intervals that follow each other sooner for one.
    """
    first_s, last_s = -math.inf, -math.inf
    for begin_s, end_s in _apart(intervals):
        first_s = first_s if begin_s <= last_s + soon_s else begin_s
        last_s = end_s
        yield first_s, (begin_s, end_s)


def _apart(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same time in intervals that neither overlap nor meet."""
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(intervals):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined


def _late_s(actual: ActualRecord) -> float:
    """How much longer than the microphone's a gap may be where sound is captured in real time."""
    return _REOPENED_S if actual.precision_s else 0.0


def _gaps_s(account: Account) -> float:
    return sum(gap.duration_s for gap in account.audio_gaps)


def _trigger_s(account: Account) -> float:
    """Where the trigger is on the clip's own time line."""
    return _seconds(account.start_time, account.trigger_time) if account.start_time else 0.0


def _promised_s(account: Account) -> float:
    """Seconds of sound that it should have by its own account."""
    before_s = 0.0 if account.audio_in_prebuffer else max(0.0, _trigger_s(account))
    return account.duration_s - before_s - _gaps_s(account)


def _promise(audio: bool) -> str:
    return "is said to have sound" if audio else "is said to have no sound"


def _what(actual: ActualRecord) -> str:
    return "sound" if actual.records_sound else "none"


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
