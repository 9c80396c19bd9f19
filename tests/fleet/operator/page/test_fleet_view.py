from fleet.operator.messages import state
from fleet.operator.page.messages import NOW, event, telemetry
from lapel_fleet.operator.page.fleet_view import FleetView
from lapel_fleet.operator.received import ClearedTopic, Message, ReceivedMessage
from waited_clock import WaitedClock


def taking(view: FleetView, camera: str, message: Message) -> bool:
    return view.take(ReceivedMessage(camera, message))


def test_only_what_a_reader_could_see_is_a_change() -> None:
    view = FleetView(WaitedClock())
    taking(view, "a/1", state("a/1"))
    taking(view, "a/2", state("a/2"))
    seen = view.version
    taking(view, "a/1", state("a/1"))
    taking(view, "a/1", telemetry(NOW))
    assert view.version == seen
    taking(view, "a/1", telemetry(NOW, battery_percent=80.2))
    assert [one.camera for one in view.changed_since(seen)] == ["a/1"]
    seen = view.version
    taking(view, "a/1", telemetry(NOW, battery_percent=79.8))
    assert list(view.changed_since(seen)) == []
    taking(view, "a/2", state("a/2", "recording", recording="clip"))
    assert [one.row() for one in view.changed_since(seen)] == [["a/2", "recording", NOW_OF_STATES, [], None, "clip"]]


NOW_OF_STATES = "2026-11-24T07:00:31.250Z"


def test_an_event_counts_once_also_against_the_history() -> None:
    view = FleetView(WaitedClock())
    view.restore("a/1", event("1", "marker"))
    assert not taking(view, "a/1", event("1", "marker"))
    assert taking(view, "a/1", event("2", "marker"))
    assert taking(view, "a/2", event("1", "marker"))
    assert [(one.number, one.camera, one.event.id) for one in view.events] == [
        (1, "a/1", "1"),
        (2, "a/1", "2"),
        (3, "a/2", "1"),
    ]


def test_a_camera_that_was_cleared_is_removed() -> None:
    view = FleetView(WaitedClock())
    taking(view, "a/1", state("a/1"))
    seen = view.version
    view.take(ClearedTopic("a/1"))
    assert (view.cameras, [*view.removed]) == ({}, [(seen + 1, "a/1")])
