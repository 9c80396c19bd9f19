"""A back end is judged through a probe: the example is green on everything that a line may do to it, and each bug that
is planted in it is caught.

One run is heard once; back ends then hear it again, through lines that repeat, swap and delay as MQTT and its bridges
may, or from late on.
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
Line = Callable[[list[Message]], Iterator[Message]]
BREAK_EVERY, UNACKNOWLEDGED = 97, 12


def scenario() -> Scenario:
    """A bad day at whose end some cameras are left without a battery, while the broker is there to see it."""
    faults = [fault for fault in load("bad-day").faults if fault.kind != "power.cut"]
    cuts = [Fault(kind="power.cut", at_s=at_s, for_s=30, share=0.6) for at_s in (900.0, 3000.0)]
    return msgspec.structs.replace(load("bad-day"), sites={"baltimore": 8, "buffalo": 8}, faults=[*faults, *cuts])


@cache
def received() -> tuple[Run, Watch]:
    return run(scenario(), 1, left_off=True)


# -- lines -------------------------------------------------------------------------------------------------------------


def a_line_that_breaks(history: list[Message]) -> Iterator[Message]:
    """Whatever was not acknowledged when it broke comes again, in order: QoS 1."""
    for number, message in enumerate(history, 1):
        yield message
        if number % BREAK_EVERY == 0:
            yield from history[number - UNACKNOWLEDGED : number]


def a_line_that_swaps_events(history: list[Message]) -> Iterator[Message]:
    """Every fifth event comes after the next one of its session."""
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


def a_bridge_that_is_late(history: list[Message]) -> Iterator[Message]:
    """In the end it hands over what an earlier session of a camera said last, and then its will."""
    yield from history
    states: dict[str, list[dict[str, Any]]] = {}
    for topic, payload in history:
        if topic.endswith("/state"):
            states.setdefault(topic, []).append(json.loads(payload))
    for topic, said in states.items():
        last = said[-1]
        earlier = [one for one in said if one["session"] != last["session"]]
        if earlier and last["state"] != "offline":
            live = [one for one in earlier if one["state"] == "buffering"]
            wills = [one for one in earlier if "time" not in one]
            for one in (*live[-1:], *wills[-1:]):
                yield topic, json.dumps(one).encode()


def a_late_start(history: list[Message]) -> Iterator[Message]:
    """States come as they are retained, what happened comes out of a queue; then it goes on."""
    start = len(history) * 19 // 20
    yield from {topic: payload for topic, payload in history[:start] if topic.endswith("/state")}.items()
    yield from (one for one in history[:start] if one[0].endswith("/event"))
    yield from history[start:]


LINES: list[Line] = [a_line_that_breaks, a_line_that_swaps_events, a_bridge_that_is_late, a_late_start]


def failed() -> set[str]:
    """What is found against the back end, over all lines."""
    done, watch = received()
    found = set()
    for line in LINES:
        back_end = BackEnd("fleet")
        for topic, payload in line(watch.history):
            back_end.take(topic, payload)
        found |= {one.checker for one in judge_back_end(done.cases, back_end) if one.failures}
    return found


# -- planted bugs ------------------------------------------------------------------------------------------------------


def late_wills_are_believed(patch: Patch) -> None:
    original = Camera._is_over
    patch.setattr(Camera, "_is_over", lambda self, said: "time" in said and original(self, said))


def stale_sessions_are_believed(patch: Patch) -> None:
    original = Camera._is_over
    patch.setattr(Camera, "_is_over", lambda self, said: "time" not in said and original(self, said))


def offline_is_missed(patch: Patch) -> None:
    original = Camera.take_state

    def take_state(self: Camera, said: dict[str, Any]) -> None:
        if "time" in said:
            original(self, said)

    patch.setattr(Camera, "take_state", take_state)


def retained_states_are_ignored_at_the_start(patch: Patch) -> None:
    original = Camera.take_state

    def take_state(self: Camera, said: dict[str, Any]) -> None:
        if "seen" in self.telemetry:
            original(self, said)
        self.telemetry = {"seen": True}

    patch.setattr(Camera, "take_state", take_state)


def repeats_are_counted(patch: Patch) -> None:
    patch.setattr(Camera, "take_event", lambda self, said: self.events.update({str(len(self.events)): said}))


def events_stay_as_they_came(patch: Patch) -> None:
    patch.setattr(Camera, "history", lambda self: list(self.events.values()))


def events_are_dropped_after_a_restart(patch: Patch) -> None:
    """Numbers begin anew in each session, which it takes for repeats."""

    def take_event(self: Camera, said: dict[str, Any]) -> None:
        self.events.setdefault(said["id"].rsplit("-", 1)[1], said)

    patch.setattr(Camera, "take_event", take_event)


def cameras_of_one_name_are_taken_for_one(patch: Patch) -> None:
    original = BackEnd.take

    def take(self: BackEnd, topic: str, payload: bytes) -> None:
        original(self, topic.replace("/buffalo/", "/baltimore/") if topic.endswith("/event") else topic, payload)

    patch.setattr(BackEnd, "take", take)


def what_began_counts_as_complete(patch: Patch) -> None:
    def recordings(self: BackEnd, camera: str) -> list[str]:
        events = self.camera(camera).history()
        return [event["detail"]["recording"] for event in events if event["kind"] == "recording-started"]

    patch.setattr(BackEnd, "recordings", recordings)


def the_first_session_is_believed_for_ever(patch: Patch) -> None:
    patch.setattr(BackEnd, "session", lambda self, camera: self.camera(camera).history()[0]["session"])


PLANTED: list[tuple[Callable[[Patch], None], str]] = [
    (late_wills_are_believed, "back-end-believes-the-state"),
    (stale_sessions_are_believed, "back-end-knows-the-live-session"),
    (offline_is_missed, "back-end-notices-who-is-offline"),
    (retained_states_are_ignored_at_the_start, "back-end-believes-the-state"),
    (repeats_are_counted, "back-end-counts-events-once"),
    (events_stay_as_they_came, "back-end-keeps-the-order"),
    (events_are_dropped_after_a_restart, "back-end-misses-no-event"),
    (cameras_of_one_name_are_taken_for_one, "back-end-books-events-where-they-belong"),
    (what_began_counts_as_complete, "back-end-knows-the-recordings"),
    (the_first_session_is_believed_for_ever, "back-end-knows-the-live-session"),
]


def test_the_run_itself_is_green() -> None:
    assert [one.failures for one in judge(received()[0].cases) if one.failures] == []


@pytest.mark.parametrize("line", LINES)
def test_the_example_is_green_and_every_checker_had_occasions(
    line: Callable[[list[Message]], Iterator[Message]],
) -> None:
    done, watch = received()
    back_end = BackEnd("fleet")
    for topic, payload in line(watch.history):
        back_end.take(topic, payload)
    findings = judge_back_end(done.cases, back_end)
    assert {one.checker: one.failures[:3] for one in findings if one.verdict != "passed"} == {}


@pytest.mark.parametrize(("plant", "checker"), PLANTED, ids=[one[0].__name__ for one in PLANTED])
def test_each_planted_bug_is_caught(plant: Callable[[Patch], None], checker: str, monkeypatch: Patch) -> None:
    plant(monkeypatch)
    assert checker in failed()


def test_a_back_end_that_knows_less_is_asked_less() -> None:
    class Small:
        def state(self, camera: str) -> str:
            return back_end.state(camera)

        def events(self, camera: str) -> list[str]:
            return back_end.events(camera)

    done, watch = received()
    back_end = BackEnd("fleet")
    for topic, payload in watch.history:
        back_end.take(topic, payload)
    verdicts = {one.checker: one.verdict for one in judge_back_end(done.cases, Small())}
    skipped = {name for name, verdict in verdicts.items() if verdict == "skipped"}
    assert skipped == {"back-end-knows-the-live-session", "back-end-knows-the-recordings"}
    assert set(verdicts.values()) == {"passed", "skipped"}
