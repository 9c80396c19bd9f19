"""Checkers of presence: what a camera reports of its state is true at that moment, and subscribers know it."""

from collections.abc import Iterator
from datetime import datetime

from lapel.link.messages import EventMessage, StateMessage, Telemetry
from lapel_fleet.checkers.records import ActualRecord, Arrival, Case, broker_can_show_it_offline, events_of

_BRIEF_S = 1.0
"""A shorter state need not be reported; *recording* is reported when the first fragment is on disk."""
_EARLY_S = 0.1
_FPS_MARGIN = 1.5


def reported_states_are_true(case: Case) -> Iterator[str | None]:
    """Each state message and each telemetry message has the state that the camera was in then, or a moment before."""
    actual, received = case
    if not actual.states:
        return
    for one in received.arrivals:
        if isinstance(one.message, StateMessage | Telemetry) and not _is_last_will(one):
            reported = "off" if one.message.state == "offline" else one.message.state
            true = _recent_states(actual, one.at_s)
            yield None if reported in true else f"reported {reported} at {one.at_s:.1f} s, was {_words(true)}"


def last_reported_state_is_current(case: Case) -> Iterator[str | None]:
    """Whenever a message from a camera arrives, its last reported state is true, or was a moment before."""
    actual, received = case
    if not actual.states:
        return
    last: Arrival | None = None
    for one in received.arrivals:
        if not isinstance(one.message, StateMessage):
            yield _staleness(actual, last, one)
        else:
            last = one


def _staleness(actual: ActualRecord, last: Arrival | None, one: Arrival) -> str | None:
    if last is None or not isinstance(last.message, StateMessage):
        return f"published at {one.at_s:.1f} s, before it reported its state"
    shown = last.message.state
    if shown == "offline":
        is_stale = one.at_s - last.at_s > actual.message_age_s
        return f"is shown offline, and published at {one.at_s:.1f} s" if is_stale else None
    true = _recent_states(actual, one.at_s)
    return None if shown in true else f"is shown {shown} at {one.at_s:.1f} s, was {_words(true)}"


def state_changes_are_reported(case: Case) -> Iterator[str | None]:
    """Each change of state that lasted is an event, unless the camera reported that it dropped some."""
    actual, _ = case
    events = events_of(case)
    if not actual.states or any(event.kind == "events-dropped" for event in events):
        return
    changes = [event for event in events if event.kind == "state-changed"]
    ends_s = [at_s for at_s, _ in actual.states[1:]]
    for (at_s, state), end_s in zip(actual.states, [*ends_s, float("inf")], strict=True):
        no_frames_s = actual.without_frames_s(at_s, end_s) if state == "recording" else 0.0
        if state not in ("off", "booting") and end_s - at_s - no_frames_s > _BRIEF_S + actual.precision_s:
            is_reported = any(_reports(actual, event, state, at_s, no_frames_s) for event in changes)
            yield None if is_reported else f"was {state} from {at_s:.1f} s on, which was not reported"


def _reports(actual: ActualRecord, event: EventMessage, state: str, at_s: float, no_frames_s: float) -> bool:
    from_s, to_s = at_s - _EARLY_S - actual.precision_s, at_s + no_frames_s + actual.message_age_s
    return event.detail["after"] == state and from_s < event.mono_s < to_s


def retained_state_is_true(case: Case) -> Iterator[str | None]:
    """A subscriber that connects at the end gets the state that the camera is in."""
    actual, received = case
    if received.state is None:
        yield "has published no state"
        return
    if not broker_can_show_it_offline(case):
        return
    true = actual.state if actual.state != "off" else "offline"
    agree = received.state.state == true and (true == "offline" or received.state.session == actual.session)
    yield None if agree else f"is shown {received.state.state} ({received.state.session}), is {true} ({actual.session})"


def states_name_real_recordings(case: Case) -> Iterator[str | None]:
    """A *recording* state names its recording, and that recording exists."""
    real = {account.recording for account in case[0].accounts}
    for state in case[1].states:
        if state.state == "recording":
            yield None if state.recording in real else f"a state names the recording {state.recording}, there is none"


def telemetry_is_plausible(case: Case) -> Iterator[str | None]:
    """Uptime agrees with the clock, frames are no faster than the source's, the count of dropped events never falls."""
    actual, received = case
    last: dict[str, tuple[float, Telemetry]] = {}
    for at_s, telemetry in received.telemetry:
        yield _implausible(actual, at_s, telemetry, last.get(telemetry.session))
        last[telemetry.session] = (at_s, telemetry)


def _implausible(
    actual: ActualRecord, at_s: float, telemetry: Telemetry, before: tuple[float, Telemetry] | None
) -> str | None:
    if telemetry.measured_fps > actual.fps * _FPS_MARGIN:
        return f"{telemetry.measured_fps:g} frames per second at {at_s:.1f} s, the source delivers {actual.fps:g}"
    if before is not None:
        passed_s = _seconds_between(before[1].time, telemetry.time)  # not of arrival: a link may be slow
        uptime_s = telemetry.uptime_s - before[1].uptime_s
        if abs(passed_s - uptime_s) > _EARLY_S + actual.precision_s and not actual.clock_steps:
            return f"counts {uptime_s:.1f} s of uptime in {passed_s:.1f} s, at {at_s:.1f} s"
        if telemetry.events_dropped < before[1].events_dropped:
            return f"reports fewer dropped events at {at_s:.1f} s than before"
    return None


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _recent_states(actual: ActualRecord, at_s: float) -> set[str]:
    """The states that may be reported at that time. *Recording* is not reported before a frame of it is on disk."""
    from_s = at_s - actual.message_age_s
    true = actual.states_between(from_s, at_s + actual.precision_s)
    return true | {"buffering"} if "recording" in true and actual.without_frames_s(from_s, at_s) else true


def _is_last_will(one: Arrival) -> bool:
    """Published by the broker, not by the camera."""
    return isinstance(one.message, StateMessage) and one.message.time is None


def _words(states: set[str]) -> str:
    return " or ".join(sorted(states))
