import pytest

from fleet.operator.messages import state
from fleet.operator.page.messages import NOW, event, telemetry
from lapel.clock import iso
from lapel_fleet.operator.page.attention import LATER, SOON
from lapel_fleet.operator.page.attention import NOW as AT_ONCE
from lapel_fleet.operator.page.fleet_view import FleetView
from lapel_fleet.operator.received import Message, ReceivedMessage, UnreadableMessage
from waited_clock import WaitedClock


class Fleet:
    def __init__(self) -> None:
        self.clock = WaitedClock()
        self.view = FleetView(self.clock)

    def sends(self, camera: str, *messages: Message, retained: bool = False) -> None:
        for message in messages:
            self.view.take(ReceivedMessage(camera, message, retained))

    def found(self) -> list[tuple[str, int, str]]:
        return [(one.camera, one.urgency, "; ".join(one.reasons)) for one in self.view.attentions()]


def test_a_camera_that_is_well_needs_none() -> None:
    fleet = Fleet()
    fleet.sends("a/1", state("a/1"), telemetry(NOW, storage_free_bytes=10_000_000_000))
    fleet.sends("a/2", state("a/2", "offline", reason="ended by SIGTERM"))
    assert fleet.found() == []


@pytest.mark.parametrize(
    ("doing", "flag", "urgency"),
    [
        ("recording", "source-lost", AT_ONCE), ("buffering", "source-lost", SOON), ("recording", "frozen", AT_ONCE),
        ("recording", "low-battery", SOON), ("buffering", "duplicate-name", SOON),
        ("buffering", "clock-unsynced", LATER), ("docked", "offload-blocked", LATER),
        ("docked", "offload-rejected", LATER), ("recording", "undervoltage", SOON),
    ],
)  # fmt: skip
def test_flags_are_as_urgent_as_what_they_cost(doing: str, flag: str, urgency: int) -> None:
    fleet = Fleet()
    fleet.sends("a/1", state("a/1", doing, flags=[flag, "a-flag-of-tomorrow"]))
    assert [one[:2] for one in fleet.found()] == [("a/1", urgency)]


def test_the_most_urgent_comes_first_and_says_why() -> None:
    fleet = Fleet()
    fleet.sends("a/1", state("a/1", flags=["hot"]))
    fleet.sends("a/2", state("a/2", "fault", reason="the storage is full", since="2026-11-24T08:00:00Z"))
    fleet.sends("a/3", state("a/3", "fault", reason="no video", since="2026-11-24T07:00:00Z"))
    fleet.sends("a/4", state("a/4", "recording", flags=["low-battery", "microphone-lost"]))
    assert fleet.found() == [
        ("a/3", AT_ONCE, "fault: no video"),
        ("a/4", AT_ONCE, "no sound from the microphone; the battery lasts 20 minutes or less"),
        ("a/2", AT_ONCE, "fault: the storage is full"),
        ("a/1", LATER, "the battery has 55 °C or more"),
    ]


def test_a_connection_lost_during_a_recording_is_more_urgent_than_another() -> None:
    fleet = Fleet()
    for number, doing in ((1, "recording"), (2, "buffering")):
        fleet.sends(f"a/{number}", state(f"a/{number}", doing), state(f"a/{number}", "offline", time=None, since=None))
    assert [(camera, urgency) for camera, urgency, _ in fleet.found()] == [("a/1", SOON), ("a/2", LATER)]
    fleet.sends("a/1", state("a/1", "recording"))
    assert [camera for camera, *_ in fleet.found()] == ["a/2"]


def test_a_connected_camera_that_is_silent() -> None:
    fleet = Fleet()
    fleet.sends("a/1", state("a/1"), retained=True)
    fleet.clock.wait(300)
    assert fleet.found() == [("a/1", SOON, "connected, and silent for 5 min")]
    fleet.sends("a/1", event("1", "marker"))
    assert fleet.found() == []


def test_what_telemetry_says() -> None:
    fleet = Fleet()
    late = iso(fleet.clock.now().shifted(-60).utc)
    fleet.sends("a/1", state("a/1"), telemetry(late, storage_free_bytes=500_000_000, events_dropped=3))
    ((_, urgency, why),) = fleet.found()
    assert urgency == SOON
    assert (
        why == "3 events were dropped: its outbox was full; the storage card has 0.5 GB left; the clock is 60 s behind"
    )


def test_a_state_that_does_not_fit_the_contract() -> None:
    fleet = Fleet()
    fleet.view.take(UnreadableMessage("a/1", "state", "not JSON"))
    assert fleet.found() == [("a/1", SOON, "its state does not fit the contract")]
