"""Judges presence: what a camera says of itself is true at that moment, and whoever listens knows it."""

from collections.abc import Iterator
from datetime import datetime

from lapel.link.messages import EventMessage, StateMessage, Telemetry
from lapel_fleet.checkers.records import ActualRecord, Arrival, Case, broker_can_know_that_it_is_off, events_of

_BRIEF_S = 1.0
"""A state that was left so soon need not have been told; *recording* waits for the first fragment on disk."""
_EARLY_S = 0.1
_FPS_MARGIN = 1.5


def every_state_told_is_true(case: Case) -> Iterator[str | None]:
    """Each state message and all telemetry says what the camera did then, or a moment before."""
    actual, received = case
    if not actual.states:
        return
    for one in received.arrivals:
        if isinstance(one.message, StateMessage | Telemetry) and not _is_will(one):
            told = "off" if one.message.state == "offline" else one.message.state
            true = _true_lately(actual, one.at_s)
            yield None if told in true else f"said at {one.at_s:.1f} s to be {told}, was {_words(true)}"


def no_stale_state_is_left_standing(case: Case) -> Iterator[str | None]:
    """Whenever a camera is heard of, what was last said of its state is true, or was a moment before."""
    actual, received = case
    if not actual.states:
        return
    believed: Arrival | None = None
    for one in received.arrivals:
        if not isinstance(one.message, StateMessage):
            yield _staleness(actual, believed, one)
        else:
            believed = one


def _staleness(actual: ActualRecord, believed: Arrival | None, one: Arrival) -> str | None:
    if believed is None or not isinstance(believed.message, StateMessage):
        return f"was heard of at {one.at_s:.1f} s, before it said what it does"
    told = believed.message.state
    if told == "offline":
        return (
            f"is shown offline, and is heard of at {one.at_s:.1f} s"
            if one.at_s - believed.at_s > actual.news_s
            else None
        )
    true = _true_lately(actual, one.at_s)
    return None if told in true else f"is shown {told} at {one.at_s:.1f} s, was {_words(true)}"


def what_happened_is_told(case: Case) -> Iterator[str | None]:
    """Each change of state that lasted is an event, unless the camera said that it gave some up."""
    actual, _ = case
    events = events_of(case)
    if not actual.states or any(event.kind == "events-dropped" for event in events):
        return
    told = [event for event in events if event.kind == "state-changed"]
    ends_s = [at_s for at_s, _ in actual.states[1:]]
    for (at_s, state), end_s in zip(actual.states, [*ends_s, float("inf")], strict=True):
        dark_s = actual.dark_s(at_s, end_s) if state == "recording" else 0.0
        if state not in ("off", "booting") and end_s - at_s - dark_s > _BRIEF_S + actual.precision_s:
            known = any(_tells(actual, event, state, at_s, dark_s) for event in told)
            yield None if known else f"was {state} from {at_s:.1f} s on, which was never told"


def _tells(actual: ActualRecord, event: EventMessage, state: str, at_s: float, dark_s: float) -> bool:
    from_s, to_s = at_s - _EARLY_S - actual.precision_s, at_s + dark_s + actual.news_s
    return event.detail["after"] == state and from_s < event.mono_s < to_s


def the_retained_state_is_true(case: Case) -> Iterator[str | None]:
    """Whoever asks at the end is told what the camera does."""
    actual, received = case
    if received.state is None:
        yield "was never heard of"
        return
    if not broker_can_know_that_it_is_off(case):
        return
    true = actual.state if actual.state != "off" else "offline"
    agree = received.state.state == true and (true == "offline" or received.state.session == actual.session)
    yield None if agree else f"is shown {received.state.state} ({received.state.session}), is {true} ({actual.session})"


def states_name_real_recordings(case: Case) -> Iterator[str | None]:
    """A state that says *recording* says which, and there is such a recording."""
    real = {account.recording for account in case[0].accounts}
    for state in case[1].states:
        if state.state == "recording":
            yield None if state.recording in real else f"a state names the recording {state.recording}, there is none"


def telemetry_is_plausible(case: Case) -> Iterator[str | None]:
    """Time goes on, pictures come as fast as the lens gives them, what was given up does not come back."""
    actual, received = case
    last: dict[str, tuple[float, Telemetry]] = {}
    for at_s, told in received.telemetry:
        yield _implausible(actual, at_s, told, last.get(told.session))
        last[told.session] = (at_s, told)


def _implausible(
    actual: ActualRecord, at_s: float, told: Telemetry, before: tuple[float, Telemetry] | None
) -> str | None:
    if told.measured_fps > actual.fps * _FPS_MARGIN:
        return f"{told.measured_fps:g} pictures a second at {at_s:.1f} s, the lens gives {actual.fps:g}"
    if before is not None:
        passed_s, counted_s = _seconds_between(before[1].time, told.time), told.uptime_s - before[1].uptime_s
        if (
            abs(passed_s - counted_s) > _EARLY_S + actual.precision_s and not actual.clock_steps
        ):  # as it was measured: a line may be slow
            return f"counts {counted_s:.1f} s of uptime in {passed_s:.1f} s, at {at_s:.1f} s"
        if told.events_dropped < before[1].events_dropped:
            return f"has given up fewer events at {at_s:.1f} s than before"
    return None


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _true_lately(actual: ActualRecord, at_s: float) -> set[str]:
    """What may be said of it. *Recording* is not said before there is a picture of it on disk."""
    true = actual.states_between(at_s - actual.news_s, at_s + actual.precision_s)
    return true | {"buffering"} if "recording" in true and actual.dark_s(at_s - actual.news_s, at_s) else true


def _is_will(one: Arrival) -> bool:
    """Said by the broker, not by the camera."""
    return isinstance(one.message, StateMessage) and one.message.time is None


def _words(states: set[str]) -> str:
    return " or ".join(sorted(states))
