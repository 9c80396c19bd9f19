from datetime import datetime

from fleet.operator.page.messages import event
from lapel.link.messages import EventMessage
from lapel_fleet.operator.page.recordings import recordings


def test_a_recording_is_put_together_from_its_events() -> None:
    (one,) = recordings(
        [
            event("5", "recording-saved", 70.0, recording="r", duration_s=90.0, gaps=1, dropped_frames=0),
            event("1", "recording-started", 10.0, recording="r"),
            event("2", "prebuffer-saved", 10.5, recording="r", actual_s=29.5, configured_s=30.0, shortfall="was off"),
            event("3", "marker", 30.0, recording="r", source="button"),
            event("4", "footage-lost", 31.0, recording="r", frames=30, seconds=1.0, reason="disk too slow"),
            event("6", "marker", 31.0, source="button"),
        ]
    )
    assert (one.id, one.outcome, one.ended_s, one.duration_s) == ("r", "saved", 60.0, 90.0)
    assert (one.prebuffer_s, one.configured_s, one.shortfall) == (29.5, 30.0, "was off")
    assert one.markers_s == [20.0]
    assert one.notes == ["1.0 s lost: disk too slow", "1 gap"]


def test_one_that_goes_on_and_one_whose_session_ended_without_a_word() -> None:
    newest, older = recordings(
        [
            event("1", "recording-started", 10.0, "first", recording="a"),
            event("2", "booted", 20.0, "second"),
            event("3", "recording-started", 30.0, "second", recording="b"),
        ]
    )
    assert [(one.id, one.outcome) for one in (newest, older)] == [("b", "recording"), ("a", "unknown")]


def test_one_that_was_recovered_and_one_that_failed() -> None:
    found = recordings(
        [
            event("1", "recording-started", 10.0, "first", recording="a"),
            event("2", "recovered", 20.0, "second", recording="a", duration_s=12.0, frames=360),
            event("3", "recording-failed", 30.0, "second", recording="b", reason="the card is full"),
        ]
    )
    assert [(one.id, one.outcome, one.duration_s) for one in found] == [("b", "failed", None), ("a", "recovered", 12.0)]
    assert found[0].notes == ["the card is full"]


def test_details_of_a_wrong_type_do_no_harm() -> None:
    (one,) = recordings([
        event("1", "recording-started", recording="r"), event("2", "recording-saved", recording="r", duration_s="long"),
        event("3", "marker", recording=7), event("4", "prebuffer-saved", recording="r", actual_s=None),
    ])  # fmt: skip
    assert (one.duration_s, one.prebuffer_s) == (0.0, 0.0)


def test_how_long_a_recording_is_after_its_trigger() -> None:
    def after_s(*events: EventMessage) -> float:
        (one,) = recordings([event("1", "recording-started", 10.0, recording="r"), *events])
        return one.after_s(datetime.fromisoformat(event("now", "booted", 25.0).time))

    saved = event("2", "recording-saved", 14.0, recording="r", duration_s=12.0)
    assert after_s() == 15.0
    assert after_s(event("3", "marker", 40.0, recording="r")) == 30.0
    assert after_s(saved) == 4.0
    assert after_s(event("2", "recovered", 50.0, recording="r", duration_s=12.0)) == 12.0
    assert after_s(event("2", "booted", 12.0, "next")) == 0.0
