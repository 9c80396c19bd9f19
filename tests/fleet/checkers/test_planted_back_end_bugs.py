"""A back end is judged through a probe: the example passes with every delivery, and each bug planted in it is found.

The messages of one run are recorded once, then delivered to back ends with repeats, swaps and delays, as MQTT and its
bridges may deliver them, or to a back end that starts late.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
import pytest

from examples.backend import BackEnd, Camera
from fleet.watched import Watch, run
from lapel_fleet.checkers.registry import judge, judge_back_end
from lapel_fleet.runs.run import Run
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Scenario

Patch = pytest.MonkeyPatch
Message = tuple[str, bytes]
Delivery = Callable[[list[Message]], Iterator[Message]]
BREAK_EVERY, UNACKNOWLEDGED = 97, 12


def scenario() -> Scenario:
    """A bad day at whose end some cameras have lost their power while the broker is up."""
    faults = [fault for fault in load("bad-day").faults if fault.kind != "power.cut"]
    cuts = [Fault(kind="power.cut", at_s=at_s, for_s=30, share=0.6) for at_s in (900.0, 3000.0)]
    return msgspec.structs.replace(load("bad-day"), sites={"baltimore": 8, "buffalo": 8}, faults=[*faults, *cuts])


@cache
def received() -> tuple[Run, Watch]:
    return run(scenario(), 1, left_off=True)


# -- deliveries --------------------------------------------------------------------------------------------------------


def connections_that_break(history: list[Message]) -> Iterator[Message]:
    """At each break, the messages that were not acknowledged are delivered again, in order: QoS 1."""
    for number, message in enumerate(history, 1):
        yield message
        if number % BREAK_EVERY == 0:
            yield from history[number - UNACKNOWLEDGED : number]


def swapped_events(history: list[Message]) -> Iterator[Message]:
    """Every fifth event is delivered after the next one of its session."""
    held: dict[str, Message] = {}
    count = 0
    for topic, payload in history:
        if topic.endswith("/event"):
            session = json.loads(payload)["session"]
            count += 1
            if count % 5 == 0 and session not in held:
                held[session] = (topic, payload)
                continue
            yield topic, payload
            if session in held:
                yield held.pop(session)
        else:
            yield topic, payload
    yield from held.values()


def a_slow_bridge(history: list[Message]) -> Iterator[Message]:
    """Delivers at the end the last state of an earlier session of a camera, and then its will."""
    yield from history
    states: dict[str, list[dict[str, Any]]] = {}
    for topic, payload in history:
        if topic.endswith("/state"):
            states.setdefault(topic, []).append(json.loads(payload))
    for topic, published in states.items():
        last = published[-1]
        earlier = [one for one in published if one["session"] != last["session"]]
        if earlier and last["state"] != "offline":
            live = [one for one in earlier if one["state"] == "buffering"]
            wills = [one for one in earlier if "time" not in one]
            for one in (*live[-1:], *wills[-1:]):
                yield topic, json.dumps(one).encode()


def a_late_start(history: list[Message]) -> Iterator[Message]:
    """A back end that starts late: retained states first, then queued events, then the rest."""
    start = len(history) * 19 // 20
    yield from {topic: payload for topic, payload in history[:start] if topic.endswith("/state")}.items()
    yield from (one for one in history[:start] if one[0].endswith("/event"))
    yield from history[start:]


DELIVERIES: list[Delivery] = [connections_that_break, swapped_events, a_slow_bridge, a_late_start]


def failed() -> set[str]:
    """The checkers that fail, over all deliveries."""
    done, watch = received()
    found = set()
    for delivery in DELIVERIES:
        back_end = BackEnd("fleet")
        for topic, payload in delivery(watch.history):
            back_end.receive(topic, payload)
        found |= {one.checker for one in judge_back_end(done.cases, back_end) if one.failures}
    return found


# -- planted bugs ------------------------------------------------------------------------------------------------------


def late_wills_are_accepted(patch: Patch) -> None:
    original = Camera._is_over
    patch.setattr(Camera, "_is_over", lambda self, message: "time" in message and original(self, message))


def stale_sessions_are_accepted(patch: Patch) -> None:
    original = Camera._is_over
    patch.setattr(Camera, "_is_over", lambda self, message: "time" not in message and original(self, message))


def wills_are_ignored(patch: Patch) -> None:
    original = Camera.take_state

    def take_state(self: Camera, message: dict[str, Any], *, retained: bool) -> None:
        if "time" in message:
            original(self, message, retained=retained)

    patch.setattr(Camera, "take_state", take_state)


def retained_states_are_ignored_at_the_start(patch: Patch) -> None:
    original = Camera.take_state

    def take_state(self: Camera, message: dict[str, Any], *, retained: bool) -> None:
        if "seen" in self.telemetry:
            original(self, message, retained=retained)
        self.telemetry = {"seen": True}

    patch.setattr(Camera, "take_state", take_state)


def repeats_are_counted(patch: Patch) -> None:
    patch.setattr(Camera, "take_event", lambda self, message: self.events.update({str(len(self.events)): message}))


def events_stay_in_order_of_arrival(patch: Patch) -> None:
    patch.setattr(Camera, "history", lambda self: list(self.events.values()))


def events_are_dropped_after_a_restart(patch: Patch) -> None:
    """Numbers start again in each session, and are taken for repeats."""

    def take_event(self: Camera, message: dict[str, Any]) -> None:
        self.events.setdefault(message["id"].rsplit("-", 1)[1], message)

    patch.setattr(Camera, "take_event", take_event)


def sites_are_ignored(patch: Patch) -> None:
    original = BackEnd.receive

    def receive(self: BackEnd, topic: str, payload: bytes) -> None:
        original(self, topic.replace("/buffalo/", "/baltimore/") if topic.endswith("/event") else topic, payload)

    patch.setattr(BackEnd, "receive", receive)


def started_recordings_count_as_complete(patch: Patch) -> None:
    def recordings(self: BackEnd, camera: str) -> list[str]:
        events = self.camera(camera).history()
        return [event["detail"]["recording"] for event in events if event["kind"] == "recording-started"]

    patch.setattr(BackEnd, "recordings", recordings)


def the_first_session_is_kept_for_ever(patch: Patch) -> None:
    patch.setattr(BackEnd, "session", lambda self, camera: self.camera(camera).history()[0]["session"])


PLANTED: list[tuple[Callable[[Patch], None], str]] = [
    (late_wills_are_accepted, "back-end-shows-the-current-state"),
    (stale_sessions_are_accepted, "back-end-knows-the-live-session"),
    (wills_are_ignored, "back-end-shows-offline-cameras"),
    (retained_states_are_ignored_at_the_start, "back-end-shows-the-current-state"),
    (repeats_are_counted, "back-end-counts-events-once"),
    (events_stay_in_order_of_arrival, "back-end-keeps-events-in-order"),
    (events_are_dropped_after_a_restart, "back-end-misses-no-event"),
    (sites_are_ignored, "back-end-assigns-events-to-the-right-camera"),
    (started_recordings_count_as_complete, "back-end-knows-the-recordings"),
    (the_first_session_is_kept_for_ever, "back-end-knows-the-live-session"),
]


def test_the_run_itself_passes() -> None:
    assert [one.failures for one in judge(received()[0].cases) if one.failures] == []


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_the_example_passes_and_every_checker_has_occasions(
    delivery: Callable[[list[Message]], Iterator[Message]],
) -> None:
    done, watch = received()
    back_end = BackEnd("fleet")
    for topic, payload in delivery(watch.history):
        back_end.receive(topic, payload)
    findings = {one.checker: one for one in judge_back_end(done.cases, back_end)}
    assert findings.pop("back-end-has-the-evidence").verdict == "skipped"  # it takes none
    assert {name: one.failures[:3] for name, one in findings.items() if one.verdict != "passed"} == {}


@pytest.mark.parametrize(("plant", "checker"), PLANTED, ids=[one[0].__name__ for one in PLANTED])
def test_each_planted_bug_is_found(plant: Callable[[Patch], None], checker: str, monkeypatch: Patch) -> None:
    plant(monkeypatch)
    assert checker in failed()


def test_a_probe_without_the_optional_methods_skips_their_checkers() -> None:
    class Small:
        def state(self, camera: str) -> str:
            return back_end.state(camera)

        def events(self, camera: str) -> list[str]:
            return back_end.events(camera)

    done, watch = received()
    back_end = BackEnd("fleet")
    for topic, payload in watch.history:
        back_end.receive(topic, payload)
    verdicts = {one.checker: one.verdict for one in judge_back_end(done.cases, Small())}
    skipped = {name for name, verdict in verdicts.items() if verdict == "skipped"}
    assert skipped == {
        "back-end-knows-the-live-session", "back-end-knows-the-recordings", "back-end-has-the-evidence"
    }  # fmt: skip
    assert set(verdicts.values()) == {"passed", "skipped"}
