"""Checkers of events: all of them arrive, in order, and repeats are identical."""

from collections.abc import Iterator

from lapel.link.messages import EventMessage, StateMessage
from lapel_fleet.checkers.records import Case, first_receipts, number_of


def events_are_complete_and_in_order(case: Case) -> Iterator[str | None]:
    """In a session no event before the last one is missing, none overtakes another, and repeats are identical."""
    by_id: dict[str, EventMessage] = {}
    for event in case[1].events:
        if event.id in by_id and by_id[event.id] != event:
            yield f"event {event.id} was received twice, with different content"
        by_id.setdefault(event.id, event)
    sessions: dict[str, list[int]] = {}
    for event in first_receipts(case[1]):
        sessions.setdefault(event.session, []).append(number_of(event))
    for session, numbers in sessions.items():
        missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
        if missing:
            yield f"session {session}: events {missing[:5]} were not received"
        yield None if numbers == sorted(numbers) else f"session {session}: events were received out of order"


def events_are_repeated_only_after_a_reconnect(case: Case) -> Iterator[str | None]:
    """A birth message lies between an event and its repeat: a camera sends nothing twice over one connection."""
    seen: set[str] = set()
    for one in case[1].arrivals:
        if isinstance(one.message, StateMessage):
            seen.clear()  # it may be a birth message, which looks like any other state message
        elif isinstance(one.message, EventMessage):
            again = one.message.id in seen
            seen.add(one.message.id)
            yield f"event {one.message.id} was repeated at {one.at_s:.1f} s without a reconnect" if again else None


def every_connection_begins_with_a_birth(case: Case) -> Iterator[str | None]:
    """After *offline*, the first message from a camera is its state."""
    offline = True
    for one in case[1].arrivals:
        if isinstance(one.message, StateMessage):
            is_back = offline and one.message.state != "offline"
            offline = one.message.state == "offline"
            if is_back:
                yield None
        elif offline:
            offline = False  # one failure for each connection
            yield f"was offline, and published at {one.at_s:.1f} s without a birth message"
