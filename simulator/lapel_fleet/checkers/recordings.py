"""Judges recordings: all that was to be recorded is, as long as it was to be, and each account tells the truth."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from lapel.recording import Account
from lapel_fleet.checkers.records import Activation, ActualRecord, Case, events_of

TOLERANCE_S = 0.1
"""Three pictures at 30 a second: where a stop falls between two of them, and roundings."""
_FRAGMENT_S = 1.1
"""A buffer keeps whole fragments: it may hold one more than was asked for."""
_BEGINNING_S = 1.0
"""Between the light that says *buffering* and the first picture."""
_JUST_SWITCHED_OFF_S = 1.0
"""What was asked for so shortly before the power went need not have come to anything."""
_UNTOLD_GAP_S = 0.5
"""Pictures further apart than this must be told as a gap."""
_RAGGED = 6
"""Fragments of a clip that need not be a whole number of pictures long: at its ends, at the press, around a cut."""
_SLOWEST_CARD_S = 10.0
_CAPTURING = ("buffering", "recording")
_ANNOUNCED = ("recording-started", "prebuffer-saved", "recording-saved", "recovered")
"""Not `recording-failed`: a card that takes nothing holds nothing of it."""


def activations_are_answered(case: Case) -> Iterator[str | None]:
    """Each is one recording, or a refusal or failure on record."""
    actual, _ = case
    for one in actual.activations:
        count = sum(_answers(actual, account, one) for account in actual.accounts)
        if count > sum(_is_same(actual, one, other) for other in actual.activations):
            yield f"activation at {one.at_s:.1f} s is recorded {count} times"
        elif not _was_switched_off(actual, one.at_s):
            well = count or _was_refused(case, one)
            yield None if well else f"activation at {one.at_s:.1f} s is neither recorded nor refused"


def every_recording_was_asked_for(case: Case) -> Iterator[str | None]:
    """None begins by itself, or by a command that came too late or was never sent."""
    actual, _ = case
    for account in actual.accounts:
        if account.continues is None:
            yield None if _was_asked_for(actual, account) else f"{account.recording}: nobody asked for it"


def no_recording_is_lost(case: Case) -> Iterator[str | None]:
    """Each that was announced is there, and so is each that another goes on from or into."""
    actual, received = case
    real = {account.recording for account in actual.accounts}
    announced = [str(event.detail["recording"]) for event in received.events if event.kind in _ANNOUNCED]
    for recording in dict.fromkeys(announced):
        yield None if recording in real else f"{recording} was announced and is not there"
    for account in actual.accounts:
        for other in (account.continues, account.continued_by):
            if other is not None:
                yield None if other in real else f"{account.recording} goes on with {other}, which is not there"


def recordings_end_well(case: Case) -> Iterator[str | None]:
    """Complete; interrupted only where power was cut or the card took nothing, failed only with a reason."""
    actual, _ = case
    interrupted = sum(account.status == "interrupted" for account in actual.accounts)
    if interrupted > actual.power_cuts + actual.card_faults:
        yield f"{interrupted} are interrupted; {actual.power_cuts} power cuts, {actual.card_faults} card faults"
    for account in actual.accounts:
        unexplained = account.status == "failed" and not (account.stop and account.stop.reason)
        unfinished = account.status == "recording" and actual.state not in ("off", "recording")  # else it has time yet
        bad = unfinished or unexplained
        yield f"{account.recording} is {account.status}" if bad else None


def pre_event_is_there_or_explained(case: Case) -> Iterator[str | None]:
    """What was asked from before the press, or the reason why not; and no reason where nothing is missing."""
    for account in case[0].accounts:
        missing_s = round(account.prebuffer_configured_s - account.prebuffer_actual_s, 3)  # accounts have milliseconds
        if account.status == "complete" and account.prebuffer_shortfall and missing_s < -TOLERANCE_S:
            yield f"{account.recording}: nothing is missing, yet it says: {account.prebuffer_shortfall}"
        else:
            final = account.status != "failed" and (account.status != "recording" or account.prebuffer_saved)
            short = missing_s > TOLERANCE_S and not account.prebuffer_shortfall and final
            yield f"{account.recording}: {missing_s:.1f} s are missing without a reason" if short else None


def pre_event_is_as_long_as_it_could_be(case: Case) -> Iterator[str | None]:
    """All that the lens saw in that time: a reason excuses no more than it explains."""
    actual, _ = case
    for one, clips in _activations_with_clips(actual):
        if actual.states and all(clip.status == "complete" for clip in clips):
            told_s = sum(clip.prebuffer_actual_s for clip in clips)
            seen_s = _seen_before_s(actual, one.at_s, clips[0].prebuffer_configured_s)
            begun = seen_s < clips[0].prebuffer_configured_s - TOLERANCE_S
            short = told_s < seen_s - (_BEGINNING_S if begun else TOLERANCE_S) - 4 * actual.precision_s
            said = f"{clips[0].recording}: {told_s:.1f} s from before the press, {seen_s:.1f} s were seen"
            yield said if short or told_s > seen_s + _FRAGMENT_S + actual.precision_s else None


def recordings_hold_all_their_time(case: Case) -> Iterator[str | None]:
    """From the first picture to the stop nothing is missing but what is told as a gap or as dropped."""
    actual, _ = case
    for account in actual.accounts:
        if account.status == "complete":
            gaps_s = sum(gap.duration_s for gap in account.gaps)
            missing_s = account.duration_s - gaps_s - account.frames / actual.fps
            tolerance_s = TOLERANCE_S + (len(account.gaps) + min(account.fragments, _RAGGED)) / actual.fps
            wrong = not -tolerance_s <= missing_s <= tolerance_s + account.dropped_frames / actual.fps
            yield f"{account.recording}: {missing_s:.2f} s neither seen nor told" if wrong else None


def recordings_last_as_long_as_wanted(case: Case) -> Iterator[str | None]:
    """From the press to the stop, or to the last picture before it."""
    actual, _ = case
    for one, clips in _activations_with_clips(actual):
        wanted_s = _wanted_s(actual, one.at_s)
        last = clips[-1]
        if wanted_s is None or last.end_time is None or not _was_stopped(last):
            continue
        length_s = _seconds(last.trigger_time, last.end_time)
        wrong = abs(length_s - wanted_s) > TOLERANCE_S + 2 * actual.precision_s
        yield f"{last.recording}: {length_s:.2f} s from the press on, {wanted_s:.2f} s were wanted" if wrong else None


def gaps_are_told(case: Case) -> Iterator[str | None]:
    """While the lens gave no pictures, each complete recording says so."""
    actual, _ = case
    for one, clips in _activations_with_clips(actual):
        for clip in clips:
            if clip.status != "complete" or clip.start_time is None:
                continue
            start_s = one.at_s + _seconds(clip.trigger_time, clip.start_time)
            dark_s = actual.dark_s(start_s, start_s + clip.duration_s)
            if dark_s > _UNTOLD_GAP_S:
                told_s = sum(gap.duration_s for gap in clip.gaps)
                missing = told_s < dark_s - (TOLERANCE_S + actual.precision_s) * len(actual.dark)
                yield f"{clip.recording}: {dark_s:.1f} s without pictures, {told_s:.1f} s are told" if missing else None


def no_two_recordings_at_once(case: Case) -> Iterator[str | None]:
    """A camera records one thing at a time."""
    spans = [
        (one.at_s, one.at_s + _seconds(clips[-1].trigger_time, clips[-1].end_time), clips[0].recording)
        for one, clips in _activations_with_clips(case[0])
        if clips[-1].status == "complete" and clips[-1].end_time
    ]
    for (_, ended_s, earlier), (began_s, _, later) in pairwise(sorted(spans)):
        overlap = began_s < ended_s - TOLERANCE_S
        yield f"{later} began while {earlier} went on" if overlap else None


def saved_is_said(case: Case) -> Iterator[str | None]:
    """Each complete recording was announced with its length and its pictures, and nothing else was."""
    actual, _ = case
    said = {event.detail["recording"]: event.detail for event in events_of(case) if event.kind == "recording-saved"}
    for account in actual.accounts:
        detail = said.get(account.recording)
        if account.status == "complete" and detail is None:
            yield f"{account.recording} is complete, which was never said"
        elif account.status != "complete" and detail is not None:
            yield f"{account.recording} was said to be saved, and is {account.status}"
        elif detail is not None:
            same = (detail["duration_s"], detail["frames"]) == (account.duration_s, account.frames)
            yield (
                None
                if same
                else f"{account.recording}: {detail['duration_s']} s, {detail['frames']} pictures were said"
            )


def markers_are_kept(case: Case) -> Iterator[str | None]:
    """Each is told and stands in the recording, or is refused."""
    actual, _ = case
    events = events_of(case)
    told = [event for event in events if event.kind == "marker"]
    refused = [event.mono_s for event in events if event.kind == "refused" and event.detail["event"] == "mark"]
    answers_s = [*refused, *(event.mono_s for event in told)]
    for at_s in actual.markers:
        answered = any(abs(at_s - answer_s) < TOLERANCE_S + actual.precision_s for answer_s in answers_s)
        if not _was_switched_off(actual, at_s) and not _ended_then(actual, at_s):
            yield None if answered else f"the marker at {at_s:.1f} s is neither told nor refused"
    complete = {account.recording for account in actual.accounts if account.status == "complete"}
    for recording, count in Counter(str(event.detail["recording"]) for event in told).items():
        if recording in complete:
            kept = _markers_of(actual, recording)
            yield None if kept == count else f"{recording}: {count} markers were told, {kept} are in it"


def _answers(actual: ActualRecord, account: Account, one: Activation) -> bool:
    if account.continues is not None:
        return False
    return account.start.command == one.command if one.command else _is_trigger(actual, account, one)


def _is_same(actual: ActualRecord, one: Activation, other: Activation) -> bool:
    """Whether nobody can tell the one from the other by what was recorded."""
    return one.command == other.command and abs(one.at_s - other.at_s) <= 2 * actual.precision_s


def _is_trigger(actual: ActualRecord, account: Account, one: Activation) -> bool:
    apart_s = abs(_seconds(one.utc, account.trigger_time))
    return not account.start.command and not one.command and apart_s <= actual.precision_s


def _was_refused(case: Case, one: Activation) -> bool:
    """A start was refused then; or a recording failed soon after, on a card that took its time to say so."""
    actual, _ = case
    tolerance_s = TOLERANCE_S + actual.precision_s
    for event in events_of(case):
        later_s = event.mono_s - one.at_s
        is_refusal = event.kind == "command-rejected" or (event.kind == "refused" and event.detail["event"] == "start")
        if is_refusal and abs(later_s) < tolerance_s:
            return True
        if event.kind == "recording-failed" and -tolerance_s < later_s < _SLOWEST_CARD_S + 40 * actual.precision_s:
            return True
    return False


def _was_switched_off(actual: ActualRecord, at_s: float) -> bool:
    return bool(actual.states) and "off" in actual.states_between(at_s, at_s + _JUST_SWITCHED_OFF_S)


def _ended_then(actual: ActualRecord, at_s: float) -> bool:
    """Whether a recording ended in that moment, be it before a light showed it: nobody knows what was first."""
    return any(state != "recording" and abs(since_s - at_s) <= actual.precision_s for since_s, state in actual.states)


def _was_asked_for(actual: ActualRecord, account: Account) -> bool:
    if account.start.command:
        known = account.start.command in actual.commands or account.start.command in actual.at_console
        return known and account.start.command not in actual.expired
    return any(_is_trigger(actual, account, one) for one in actual.activations)


def _activations_with_clips(actual: ActualRecord) -> Iterator[tuple[Activation, list[Account]]]:
    """Each activation that was recorded once, with its clip and those that go on from it."""
    following = {account.continues: account for account in actual.accounts if account.continues}
    for one in actual.activations:
        firsts = [account for account in actual.accounts if _answers(actual, account, one)]
        if len(firsts) == 1:
            clips = firsts
            while (later := following.get(clips[-1].recording)) is not None:
                clips = [*clips, later]
            yield one, clips


def _seen_before_s(actual: ActualRecord, at_s: float, asked_s: float) -> float:
    """How much of the asked time before `at_s` the camera saw, without a break that emptied its buffer."""
    from_s = max(_capturing_since_s(actual, at_s), at_s - asked_s)
    return at_s - from_s - actual.dark_s(from_s, at_s)


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


def _wanted_s(actual: ActualRecord, at_s: float) -> float | None:
    """Seconds from the press to the stop, or to the last picture before it, which may have been before the press. None
    when nobody stopped it, or nobody knows.
    """
    ends = actual.stops or [end_s for (_, before), (end_s, _) in pairwise(actual.states) if before == "recording"]
    later = [end_s for end_s in ends if end_s > at_s]
    if not later:
        return None
    end_s = later[0]
    for dark_from_s, dark_to_s in actual.dark:
        if dark_from_s < end_s < dark_to_s + 1 / actual.fps:  # back for less than it takes to give one
            end_s = dark_from_s
    return end_s - at_s


def _was_stopped(account: Account) -> bool:
    """By somebody, not by the camera."""
    return account.status == "complete" and account.stop is not None and account.stop.source != "camera"


def _markers_of(actual: ActualRecord, recording: str) -> int:
    """In the clip of that name and those that go on from it."""
    by_id = {account.recording: account for account in actual.accounts}
    count, clip = 0, by_id.get(recording)
    while clip is not None:
        count += len(clip.markers_s)
        clip = by_id.get(clip.continued_by or "")
    return count


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
