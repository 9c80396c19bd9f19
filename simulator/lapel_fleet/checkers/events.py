"""Judges events: each reaches whoever listens once, in order, and the same when it is repeated."""

from collections.abc import Iterator

from lapel.link.messages import EventMessage, StateMessage
from lapel_fleet.checkers.records import Case, first_receipts, number_of


def events_come_once_and_in_order(case: Case) -> Iterator[str | None]:
    """None is missing before the last of a session, none overtakes, a repeat is the same."""
    by_id: dict[str, EventMessage] = {}
    for event in case[1].events:
        if event.id in by_id and by_id[event.id] != event:
            yield f"event {event.id} came twice and differs"
        by_id.setdefault(event.id, event)
    sessions: dict[str, list[int]] = {}
    for event in first_receipts(case[1]):
        sessions.setdefault(event.session, []).append(number_of(event))
    for session, numbers in sessions.items():
        missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
        if missing:
            yield f"session {session}: events {missing[:5]} never came"
        yield None if numbers == sorted(numbers) else f"session {session}: events overtook each other"


def events_are_repeated_only_after_a_reconnect(case: Case) -> Iterator[str | None]:
    """Between an event and its repeat there is a birth: no camera says a thing twice on one connection."""
    seen: set[str] = set()
    for one in case[1].arrivals:
        if isinstance(one.message, StateMessage):
            seen.clear()  # it may be a birth, which looks like any other state
        elif isinstance(one.message, EventMessage):
            again = one.message.id in seen
            seen.add(one.message.id)
            yield f"event {one.message.id} came again at {one.at_s:.1f} s without a reconnect" if again else None


def every_connection_begins_with_a_birth(case: Case) -> Iterator[str | None]:
    """After *offline* the first thing that is heard of a camera is its state."""
    offline = True
    for one in case[1].arrivals:
        if isinstance(one.message, StateMessage):
            came_back = offline and one.message.state != "offline"
            offline = one.message.state == "offline"
            if came_back:
                yield None
        elif offline:
            offline = False  # once is enough
            yield f"was offline, and spoke at {one.at_s:.1f} s without a birth"
