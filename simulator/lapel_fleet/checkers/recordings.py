"""Checkers of recordings: each activation led to one, each is as long as it must be, and each account is correct."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise

from lapel.recording import Account
from lapel_fleet.checkers.records import Activation, ActualRecord, Case, events_of

TOLERANCE_S = 0.1
"""Three frames at 30 fps: a stop falls between two frames, and times are rounded."""
_FRAGMENT_S = 1.1
"""The pre-event buffer keeps whole fragments: it may hold one more than configured."""
_CAPTURE_START_S = 1.0
"""From the light that shows *buffering* to the first frame."""
_BEFORE_POWER_OFF_S = 1.0
"""A request so shortly before the power is lost need not lead to anything."""
_UNREPORTED_GAP_S = 0.5
"""A longer time without frames must be reported as a gap."""
_UNEVEN_FRAGMENTS = 6
"""Fragments of a clip that need not last a whole number of frames: at its ends, at the press, around a cut."""
_SLOWEST_CARD_S = 10.0
_CAPTURING = ("buffering", "recording")
_ANNOUNCED = ("recording-started", "prebuffer-saved", "recording-saved", "recovered")
"""Not `recording-failed`: a storage card that cannot be written holds nothing of that recording."""


def activations_are_recorded_or_refused(case: Case) -> Iterator[str | None]:
    """Each activation leads to exactly one recording, or to an event that reports a refusal or a failure."""
    actual, _ = case
    for one in actual.activations:
        count = sum(_answers(actual, account, one) for account in actual.accounts)
        if count > sum(_is_same(actual, one, other) for other in actual.activations):
            yield f"activation at {one.at_s:.1f} s is recorded {count} times"
        elif not _was_switched_off(actual, one.at_s):
            is_explained = count or _was_refused(case, one)
            yield None if is_explained else f"activation at {one.at_s:.1f} s is neither recorded nor refused"


def every_recording_has_a_trigger(case: Case) -> Iterator[str | None]:
    """No recording starts without an activation, or by a command that had expired or was never sent."""
    actual, _ = case
    for account in actual.accounts:
        if account.continues is None:
            yield None if _has_trigger(actual, account) else f"{account.recording}: nothing triggered it"


def no_recording_is_lost(case: Case) -> Iterator[str | None]:
    """Every recording that an event announced exists, and so does every clip that another one links to."""
    actual, received = case
    real = {account.recording for account in actual.accounts}
    announced = [str(event.detail["recording"]) for event in received.events if event.kind in _ANNOUNCED]
    for recording in dict.fromkeys(announced):
        yield None if recording in real else f"{recording} was announced and does not exist"
    for account in actual.accounts:
        for other in (account.continues, account.continued_by):
            if other is not None:
                yield None if other in real else f"{account.recording} is linked to {other}, which does not exist"


def incomplete_recordings_are_explained(case: Case) -> Iterator[str | None]:
    """A recording is interrupted only by a power cut or a storage card fault, and failed only with a reason."""
    actual, _ = case
    interrupted = sum(account.status == "interrupted" for account in actual.accounts)
    if interrupted > actual.power_cuts + actual.card_faults:
        yield f"{interrupted} are interrupted; {actual.power_cuts} power cuts, {actual.card_faults} card faults"
    for account in actual.accounts:
        unexplained = account.status == "failed" and not (account.stop and account.stop.reason)
        unfinished = account.status == "recording" and actual.state not in ("off", "recording")  # else it may yet end
        bad = unfinished or unexplained
        yield f"{account.recording} is {account.status}" if bad else None


def pre_event_shortfalls_are_explained(case: Case) -> Iterator[str | None]:
    """A recording has the configured pre-event time, or the reason for the shortfall; and no reason without one."""
    for account in case[0].accounts:
        missing_s = round(account.prebuffer_configured_s - account.prebuffer_actual_s, 3)  # accounts have milliseconds
        if account.status == "complete" and account.prebuffer_shortfall and missing_s < -TOLERANCE_S:
            yield f"{account.recording}: nothing is missing, but a reason is given: {account.prebuffer_shortfall}"
        else:
            final = account.status != "failed" and (account.status != "recording" or account.prebuffer_saved)
            short = missing_s > TOLERANCE_S and not account.prebuffer_shortfall and final
            yield f"{account.recording}: {missing_s:.1f} s are missing without a reason" if short else None


def pre_event_length_is_correct(case: Case) -> Iterator[str | None]:
    """The pre-event part is as long as the time that was captured before: a reason excuses only what it explains."""
    actual, _ = case
    for one, clips in activations_with_clips(actual):
        if actual.states and all(clip.status == "complete" for clip in clips):
            recorded_s = sum(clip.prebuffer_actual_s for clip in clips)
            captured_s = _captured_before_s(actual, one.at_s, clips[0].prebuffer_configured_s)
            had_started = captured_s < clips[0].prebuffer_configured_s - TOLERANCE_S
            tolerance_s = (_CAPTURE_START_S if had_started else TOLERANCE_S) + 4 * actual.precision_s
            short = recorded_s < captured_s - tolerance_s
            text = f"{clips[0].recording}: {recorded_s:.1f} s from before the press, {captured_s:.1f} s were captured"
            yield text if short or recorded_s > captured_s + _FRAGMENT_S + actual.precision_s else None


def missing_frames_are_reported(case: Case) -> Iterator[str | None]:
    """From its first frame to its stop, a recording lacks no frames but those of its gaps and its dropped frames."""
    actual, _ = case
    for account in actual.accounts:
        if account.status == "complete":
            gaps_s = sum(gap.duration_s for gap in account.gaps)
            missing_s = account.duration_s - gaps_s - account.frames / actual.fps
            tolerance_s = TOLERANCE_S + (len(account.gaps) + min(account.fragments, _UNEVEN_FRAGMENTS)) / actual.fps
            wrong = not -tolerance_s <= missing_s <= tolerance_s + account.dropped_frames / actual.fps
            yield f"{account.recording}: {missing_s:.2f} s of frames are missing and not reported" if wrong else None


def recording_length_is_correct(case: Case) -> Iterator[str | None]:
    """A recording lasts from the press to the stop, or to the last frame before it."""
    actual, _ = case
    for one, clips in activations_with_clips(actual):
        expected_s = _expected_s(actual, one.at_s)
        last = clips[-1]
        if expected_s is None or last.end_time is None or not _was_stopped(last):
            continue
        length_s = _seconds(last.trigger_time, last.end_time)
        wrong = abs(length_s - expected_s) > TOLERANCE_S + 2 * actual.precision_s
        yield f"{last.recording}: {length_s:.2f} s from the press on, {expected_s:.2f} s expected" if wrong else None


def gaps_are_reported(case: Case) -> Iterator[str | None]:
    """The account of a complete recording reports the time in which the video source delivered no frames."""
    actual, _ = case
    for one, clips in activations_with_clips(actual):
        for clip in clips:
            if clip.status != "complete" or clip.start_time is None:
                continue
            start_s = one.at_s + _seconds(clip.trigger_time, clip.start_time)
            no_frames_s = actual.without_frames_s(start_s, start_s + clip.duration_s)
            if no_frames_s > _UNREPORTED_GAP_S:
                reported_s = sum(gap.duration_s for gap in clip.gaps)
                tolerance_s = (TOLERANCE_S + actual.precision_s) * len(actual.frame_outages)
                text = f"{clip.recording}: {no_frames_s:.1f} s without frames, {reported_s:.1f} s are reported"
                yield text if reported_s < no_frames_s - tolerance_s else None


def no_two_recordings_at_once(case: Case) -> Iterator[str | None]:
    """A camera's recordings do not overlap."""
    spans = [
        (one.at_s, one.at_s + _seconds(clips[-1].trigger_time, clips[-1].end_time), clips[0].recording)
        for one, clips in activations_with_clips(case[0])
        if clips[-1].status == "complete" and clips[-1].end_time
    ]
    for (_, ended_s, earlier), (began_s, _, later) in pairwise(sorted(spans)):
        overlap = began_s < ended_s - TOLERANCE_S
        yield f"{later} started while {earlier} was recording" if overlap else None


def saved_recordings_are_announced(case: Case) -> Iterator[str | None]:
    """An event announces each complete recording with its length and its frames, and no other recording."""
    actual, _ = case
    announced = {one.detail["recording"]: one.detail for one in events_of(case) if one.kind == "recording-saved"}
    for account in actual.accounts:
        detail = announced.get(account.recording)
        if account.status == "complete" and detail is None:
            yield f"{account.recording} is complete, which was not announced"
        elif account.status != "complete" and detail is not None:
            yield f"{account.recording} was announced as saved, and is {account.status}"
        elif detail is not None:
            same = (detail["duration_s"], detail["frames"]) == (account.duration_s, account.frames)
            text = f"{account.recording}: {detail['duration_s']} s, {detail['frames']} frames were announced"
            yield None if same else text


def markers_are_kept(case: Case) -> Iterator[str | None]:
    """Each marker is reported and is in the recording, or is refused."""
    actual, _ = case
    events = events_of(case)
    reported = [event for event in events if event.kind == "marker"]
    refused = [event.mono_s for event in events if event.kind == "refused" and event.detail["event"] == "mark"]
    answers_s = [*refused, *(event.mono_s for event in reported)]
    for at_s in actual.markers:
        answered = any(abs(at_s - answer_s) < TOLERANCE_S + actual.precision_s for answer_s in answers_s)
        if not _was_switched_off(actual, at_s) and not _ended_then(actual, at_s):
            yield None if answered else f"the marker at {at_s:.1f} s is neither reported nor refused"
    complete = {account.recording for account in actual.accounts if account.status == "complete"}
    for recording, count in Counter(str(event.detail["recording"]) for event in reported).items():
        if recording in complete:
            kept = _markers_of(actual, recording)
            yield None if kept == count else f"{recording}: {count} markers were reported, {kept} are in it"


def _answers(actual: ActualRecord, account: Account, one: Activation) -> bool:
    if account.continues is not None:
        return False
    return account.start.command == one.command if one.command else _is_trigger(actual, account, one)


def _is_same(actual: ActualRecord, one: Activation, other: Activation) -> bool:
    """Whether the recordings do not show which of the two activations led to them."""
    return one.command == other.command and abs(one.at_s - other.at_s) <= 2 * actual.precision_s


def _is_trigger(actual: ActualRecord, account: Account, one: Activation) -> bool:
    apart_s = abs(_seconds(one.utc, account.trigger_time))
    by_sensor = account.start.source == "trigger"
    return (
        not account.start.command
        and not one.command
        and by_sensor == bool(one.trigger)
        and apart_s <= actual.precision_s
    )


def _was_refused(case: Case, one: Activation) -> bool:
    """Whether a start was refused then, or left to a second press; or a recording failed soon after, on a storage card
    that was slow to fail.
    """
    actual, _ = case
    tolerance_s = TOLERANCE_S + actual.precision_s
    for event in events_of(case):
        later_s = event.mono_s - one.at_s
        is_refusal = event.kind == "command-rejected" or (event.kind == "refused" and event.detail["event"] == "start")
        is_refusal = is_refusal or (event.kind == "policy-decided" and _asks(event.detail, "start"))
        if is_refusal and abs(later_s) < tolerance_s:
            return True
        if event.kind == "recording-failed" and -tolerance_s < later_s < _SLOWEST_CARD_S + 40 * actual.precision_s:
            return True
    return False


def _asks(detail: Mapping[str, object], request: str) -> bool:
    """Whether the policy did not allow that request at once."""
    return detail["request"] == request and detail["answer"] != "allow"


def _was_withheld(actual: ActualRecord, stop_s: float) -> bool:
    """Whether the policy asked for a second press, or a reason, before the recording ended."""
    limit_s = TOLERANCE_S + actual.precision_s
    return any(
        entry.event == "policy-decided" and _asks(entry.detail, "stop") and abs(entry.mono_s - stop_s) <= limit_s
        for entry in actual.audit
    )


def _was_switched_off(actual: ActualRecord, at_s: float) -> bool:
    return bool(actual.states) and "off" in actual.states_between(at_s, at_s + _BEFORE_POWER_OFF_S)


def _ended_then(actual: ActualRecord, at_s: float) -> bool:
    """Whether a recording ended at that moment, perhaps before a light showed it: it is open which was first."""
    return any(state != "recording" and abs(since_s - at_s) <= actual.precision_s for since_s, state in actual.states)


def _has_trigger(actual: ActualRecord, account: Account) -> bool:
    if account.start.command:
        known = account.start.command in actual.commands or account.start.command in actual.console_commands
        return known and account.start.command not in actual.expired
    return any(_is_trigger(actual, account, one) for one in actual.activations)


def activations_with_clips(actual: ActualRecord) -> Iterator[tuple[Activation, list[Account]]]:
    """Each activation that was recorded once, with its clip and the linked ones after it."""
    following = {account.continues: account for account in actual.accounts if account.continues}
    for one in actual.activations:
        firsts = [account for account in actual.accounts if _answers(actual, account, one)]
        if len(firsts) == 1:
            clips = firsts
            while (later := following.get(clips[-1].recording)) is not None:
                clips = [*clips, later]
            yield one, clips


def _captured_before_s(actual: ActualRecord, at_s: float, configured_s: float) -> float:
    """How much of the configured time before `at_s` the camera captured, since its pre-event buffer was last empty."""
    from_s = max(_capturing_since_s(actual, at_s), at_s - configured_s)
    return at_s - from_s - actual.without_frames_s(from_s, at_s)


def _capturing_since_s(actual: ActualRecord, at_s: float) -> float:
    since_s = at_s
    for start_s, state in actual.states:
        if start_s > at_s:
            break
        if state not in _CAPTURING:
            since_s = at_s
        elif since_s == at_s:
            since_s = start_s
    return since_s


def _expected_s(actual: ActualRecord, at_s: float) -> float | None:
    """Seconds from the press to the stop, or to the last frame before it, which may have been before the press. None
    when it was not stopped, or the stop is not known.
    """
    ends = [end_s for end_s in actual.stops if not _was_withheld(actual, end_s)] or [
        end_s for (_, before), (end_s, _) in pairwise(actual.states) if before == "recording"
    ]
    later = [end_s for end_s in ends if end_s > at_s]
    if not later:
        return None
    end_s = later[0]
    for from_s, to_s in actual.frame_outages:
        if from_s < end_s < to_s + 1 / actual.fps:  # back for less than one frame
            end_s = from_s
    return end_s - at_s


def _was_stopped(account: Account) -> bool:
    """By the wearer or a command, not by the camera itself."""
    return account.status == "complete" and account.stop is not None and account.stop.source != "camera"


def _markers_of(actual: ActualRecord, recording: str) -> int:
    """The number of markers in that clip and the linked ones after it."""
    by_id = {account.recording: account for account in actual.accounts}
    count, clip = 0, by_id.get(recording)
    while clip is not None:
        count += len(clip.markers_s)
        clip = by_id.get(clip.continued_by or "")
    return count


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
