"""Judges a back end of somebody's own: whether it believes what is true. Asked through a probe when a run is over."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from lapel_fleet.checkers.records import (
    ActualRecord,
    BackEndProbe,
    Case,
    ReceivedRecord,
    broker_can_know_that_it_is_off,
    first_receipts,
)

BackEndChecker = Callable[[Case, BackEndProbe], Iterator[str | None]]


def believes_the_state(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """Of each camera that runs it believes what the camera does."""
    actual, _ = case
    if actual.state != "off":
        believed = probe.state(actual.camera)
        yield None if believed == actual.state else f"believes {believed}, it is {actual.state}"


def notices_who_is_offline(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """Of each camera that is off it believes that it is offline."""
    actual, received = case
    if actual.state == "off" and received.states and broker_can_know_that_it_is_off(case):
        believed = probe.state(actual.camera)
        yield None if believed == "offline" else f"believes {believed}, it is off"


def knows_the_live_session(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """The run of the firmware that it believes is live is, not one before it."""
    actual, _ = case
    ask: Callable[[str], str] | None = getattr(probe, "session", None)
    if ask is not None and actual.state != "off":
        believed = ask(actual.camera)
        yield None if believed == actual.session else f"believes session {believed}, it is {actual.session}"


def misses_no_event(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """It has every event that reached it."""
    actual, received = case
    kept = set(probe.events(actual.camera))
    for event in first_receipts(received):
        yield None if event.id in kept else f"has not got event {event.id} ({event.kind})"


def counts_events_once(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """A repeat is no second event."""
    for id_, count in Counter(probe.events(case[0].camera)).items():
        yield None if count == 1 else f"has event {id_} {count} times"


def keeps_the_order(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """Events stand in the order in which they happened, however they came; at one moment any order will do."""
    actual, received = case
    places = _places(received)
    kept = [id_ for id_ in dict.fromkeys(probe.events(actual.camera)) if id_ in places]
    if kept:
        wrong = next((later for earlier, later in pairwise(kept) if places[later] < places[earlier]), None)
        yield None if wrong is None else f"has event {wrong} after what happened later"


def books_events_where_they_belong(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """What it has of a camera was said by that camera."""
    actual, received = case
    said = {event.id for event in received.events}
    for id_ in dict.fromkeys(probe.events(actual.camera)):
        yield None if id_ in said else f"has event {id_}, which this camera never said"


def knows_the_recordings(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """Each complete recording is known as such, and nothing else is."""
    actual, _ = case
    ask: Callable[[str], Sequence[str]] | None = getattr(probe, "recordings", None)
    if ask is None:
        return
    known, real = set(ask(actual.camera)), _complete(actual)
    for recording in sorted(known | real):
        if recording not in known:
            yield f"does not know that {recording} is complete"
        else:
            yield None if recording in real else f"believes that {recording} is complete, there is none"


BACK_END_CHECKERS: dict[str, BackEndChecker] = {
    "back-end-believes-the-state": believes_the_state,
    "back-end-notices-who-is-offline": notices_who_is_offline,
    "back-end-knows-the-live-session": knows_the_live_session,
    "back-end-misses-no-event": misses_no_event,
    "back-end-counts-events-once": counts_events_once,
    "back-end-keeps-the-order": keeps_the_order,
    "back-end-books-events-where-they-belong": books_events_where_they_belong,
    "back-end-knows-the-recordings": knows_the_recordings,
}


def _places(received: ReceivedRecord) -> dict[str, tuple[int, float]]:
    """Where each event stands: which session of the camera it is of, and when in it."""
    events = first_receipts(received)
    sessions = list(dict.fromkeys(event.session for event in events))
    return {event.id: (sessions.index(event.session), event.mono_s) for event in events}


def _complete(actual: ActualRecord) -> set[str]:
    return {account.recording for account in actual.accounts if account.status == "complete"}
