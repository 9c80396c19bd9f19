"""Every event that cameras publish on a bad day has the detail that the contract documents for its kind."""

from typing import get_args

import msgspec

from fleet.watched import run
from lapel.link.event_details import EVENT_DETAILS, EventsDropped
from lapel.link.messages import EventKind
from lapel_fleet.scenario.loading import load

DETAILS = {kind.kind: kind for kind in EVENT_DETAILS}


def test_every_kind_is_documented_but_the_reserved_one() -> None:
    assert set(get_args(EventKind)) - set(DETAILS) == {"power-off"}


def test_published_details_have_exactly_the_documented_fields() -> None:
    done, _ = run(load("bad-day"), 1)
    published = [event for _, received in done.cases for event in received.events]
    for event in published:
        kind = DETAILS[event.kind]
        if kind is not EventsDropped:  # its fields are the kinds that were dropped
            assert set(event.detail) == set(kind.__struct_fields__), event
            msgspec.convert(event.detail, kind)
    assert len({event.kind for event in published}) >= 15
