"""Checkers of the user's back end: whether it shows what is true. It is queried through a probe when a run is over."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from lapel_fleet.checkers.records import (
    ActualRecord,
    BackEndProbe,
    Case,
    ReceivedRecord,
    broker_can_show_it_offline,
    first_receipts,
)

BackEndChecker = Callable[[Case, BackEndProbe], Iterator[str | None]]


def shows_the_current_state(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """For each camera that runs, the back end shows the state that it is in."""
    actual, _ = case
    if actual.state != "off":
        shown = probe.state(actual.camera)
        yield None if shown == actual.state else f"the back end shows {shown}, it is {actual.state}"


def shows_offline_cameras(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """Each camera that is off is shown offline."""
    actual, received = case
    if actual.state == "off" and received.states and broker_can_show_it_offline(case):
        shown = probe.state(actual.camera)
        yield None if shown == "offline" else f"the back end shows {shown}, it is off"


def knows_the_live_session(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """The session that the back end takes for live is the camera's present run of the firmware, not an earlier one."""
    actual, _ = case
    query: Callable[[str], str] | None = getattr(probe, "session", None)
    if query is not None and actual.state != "off":
        known = query(actual.camera)
        yield None if known == actual.session else f"the back end has session {known}, it is {actual.session}"


def misses_no_event(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """The back end has every event that was received."""
    actual, received = case
    kept = set(probe.events(actual.camera))
    for event in first_receipts(received):
        yield None if event.id in kept else f"the back end does not have event {event.id} ({event.kind})"


def counts_events_once(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """A repeated event is not a second event."""
    for id_, count in Counter(probe.events(case[0].camera)).items():
        yield None if count == 1 else f"the back end has event {id_} {count} times"


def keeps_events_in_order(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """Events are in the order in which they happened, however they arrived; those of one moment in any order."""
    actual, received = case
    places = _places(received)
    kept = [id_ for id_ in dict.fromkeys(probe.events(actual.camera)) if id_ in places]
    if kept:
        wrong = next((later for earlier, later in pairwise(kept) if places[later] < places[earlier]), None)
        yield None if wrong is None else f"the back end has event {wrong} after a later one"


def assigns_events_to_the_right_camera(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """Every event that the back end has of a camera was published by that camera."""
    actual, received = case
    published = {event.id for event in received.events}
    for id_ in dict.fromkeys(probe.events(actual.camera)):
        yield None if id_ in published else f"the back end has event {id_}, which this camera did not publish"


def knows_the_recordings(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """The back end knows every complete recording as complete, and no other."""
    actual, _ = case
    query: Callable[[str], Sequence[str]] | None = getattr(probe, "recordings", None)
    if query is None:
        return
    known, real = set(query(actual.camera)), _complete(actual)
    for recording in sorted(known | real):
        if recording not in known:
            yield f"the back end does not know that {recording} is complete"
        else:
            yield None if recording in real else f"the back end has {recording} as complete, which it is not"


def has_the_evidence(case: Case, probe: BackEndProbe) -> Iterator[str | None]:
    """The back end has every clip that it has confirmed to the camera, and none that the camera never made."""
    actual, received = case
    query: Callable[[str], Sequence[str]] | None = getattr(probe, "evidence", None)
    if query is None or not actual.contents:
        return
    kept = set(query(actual.camera))
    confirmed = {str(event.detail["recording"]) for event in received.events if event.kind == "recording-confirmed"}
    for clip in sorted(kept | confirmed):
        if clip not in kept:
            yield f"the back end has confirmed {clip}, and does not have it"
        else:
            yield None if clip in actual.contents else f"the back end has {clip}, which this camera never made"


BACK_END_CHECKERS: dict[str, BackEndChecker] = {
    "back-end-shows-the-current-state": shows_the_current_state,
    "back-end-shows-offline-cameras": shows_offline_cameras,
    "back-end-knows-the-live-session": knows_the_live_session,
    "back-end-misses-no-event": misses_no_event,
    "back-end-counts-events-once": counts_events_once,
    "back-end-keeps-events-in-order": keeps_events_in_order,
    "back-end-assigns-events-to-the-right-camera": assigns_events_to_the_right_camera,
    "back-end-knows-the-recordings": knows_the_recordings,
    "back-end-has-the-evidence": has_the_evidence,
}


def _places(received: ReceivedRecord) -> dict[str, tuple[int, float]]:
    """The place of each event: the number of the camera's session, and the time in it."""
    events = first_receipts(received)
    sessions = list(dict.fromkeys(event.session for event in events))
    return {event.id: (sessions.index(event.session), event.mono_s) for event in events}


def _complete(actual: ActualRecord) -> set[str]:
    return {account.recording for account in actual.accounts if account.status == "complete"}
