"""The checkers are believed because they catch bugs: each is planted as a patch of the firmware.

Every planted bug is caught within `SEEDS`; the firmware as it is stays green on the same seeds of the same scenarios.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from fleet.watched import run
from lapel.camera import Camera
from lapel.link import session as session_module
from lapel.link.command_check import Delivery
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.transport import Hello
from lapel.media.active_recording import Recording
from lapel.media.clip import Clip
from lapel.media.notices import Saved
from lapel.reporter import Reporter
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs.run import AGENCY
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Operator, Scenario
from lapel_fleet.scenario.wearer import Wearer

Patch = pytest.MonkeyPatch

SMOKE = load("smoke")
SHORT_OUTAGE = Fault(kind="network.down", at_s=120, for_s=20, share=0.5)
"""Shorter than the broker's patience: whoever comes back under another client id is followed by its own will."""
SILENCE = Fault(kind="network.half_open", at_s=1650, for_s=60)
"""For everybody: what a camera says while it believes in its line is lost, unless it keeps it."""
BAD_DAY = msgspec.structs.replace(
    load("bad-day"), sites={"baltimore": 8, "buffalo": 4}, faults=[*load("bad-day").faults, SHORT_OUTAGE, SILENCE]
)
STORM = msgspec.structs.replace(load("broker-storm"), sites={"baltimore": 12})
CROSS_PURPOSES = msgspec.structs.replace(
    SMOKE, title="Wearers and operator at cross purposes", duration_s=1800,
    wearer=Wearer(activations_per_hour=20, length_s=(10, 60)), operator=Operator(commands_per_hour=2400),
)  # fmt: skip
"""Many a stop comes from the one when the other has stopped already, and is refused."""
SEEDS = range(1, 4)
RETAINED = {
    f"lapel/v1/{AGENCY}/{camera}/command": b'{"id": "forgotten", "command": "start-recording"}'
    for camera in SMOKE.cameras
}
"""A start that somebody left on the broker: no camera may carry it out."""


def failed(scenario: Scenario, seed: int) -> set[str]:
    done, _ = run(scenario, seed, retained=RETAINED if scenario is SMOKE else None)
    return {finding.checker for finding in judge(done.cases) if finding.failures}


# -- the link ----------------------------------------------------------------------------------------------------------


def events_are_dropped_when_the_line_breaks(patch: Patch) -> None:
    async def send(self: Session, connection: Any, one: Any) -> None:
        self._outbox.done(one)  # before the broker has it
        await connection.publish(self._contract.encode(one.message))

    patch.setattr(Session, "_send_waiting", send)


def the_newest_event_goes_first(patch: Patch) -> None:
    patch.setattr(Outbox, "first_event", lambda self: self._events[-1] if self._events else None)
    patch.setattr(Outbox, "done", lambda self, one: (self._lane(one).remove(one), self._forget(one)))


def every_event_is_sent_twice(patch: Patch) -> None:
    original = Session._send_waiting

    async def send(self: Session, connection: Any, one: Any) -> None:
        await connection.publish(self._contract.encode(one.message))
        await original(self, connection, one)

    patch.setattr(Session, "_send_waiting", send)


def one_id_for_two_events(patch: Patch) -> None:
    original = Reporter.emit

    def emit(self: Reporter, detail: Any) -> None:
        self._events -= self._events % 2
        original(self, detail)

    patch.setattr(Reporter, "emit", emit)


def what_waits_is_not_written_down(patch: Patch) -> None:
    async def flush(self: Outbox) -> bool:
        self._changed.clear()
        return True

    patch.setattr(Outbox, "flush", flush)


def the_birth_is_left_out_after_a_reconnect(patch: Patch) -> None:
    original = Session._send

    async def send(self: Session, connection: Any, message: Any) -> None:
        if not (self._had_name and not self._connected):
            await original(self, connection, message)

    patch.setattr(Session, "_send", send)


def a_client_id_for_each_connection(patch: Patch) -> None:
    """So no broker takes the old session over, and its will comes when its keepalive has run out."""
    ids = iter(range(1_000_000))
    patch.setattr(session_module, "Hello", lambda name, *rest, **more: Hello(f"{name}-{next(ids)}", *rest, **more))


def a_late_will_stays(patch: Patch) -> None:
    """A client id for each run of the firmware, which does not put its state over its predecessor's will."""
    a_client_id_for_each_connection(patch)
    patch.setattr(Session, "_is_foreign", lambda self, message: False)


# -- states ------------------------------------------------------------------------------------------------------------


def a_stop_changes_no_state(patch: Patch) -> None:
    original = Camera._publish_state

    def publish(self: Camera) -> None:
        if self._reporter.wire_state != "buffering":
            original(self)

    patch.setattr(Camera, "_publish_state", publish)


def it_always_says_that_it_buffers(patch: Patch) -> None:
    patch.setattr(Reporter, "wire_state", property(lambda self: "buffering"))


# -- recordings --------------------------------------------------------------------------------------------------------


def the_fragment_at_the_join_is_lost(patch: Patch) -> None:
    """The one that was open at the press counts as written with those before it."""
    original = Recording.__init__

    def begin(self: Recording, *args: Any) -> None:
        original(self, *args)
        self._last_number += 1

    patch.setattr(Recording, "__init__", begin)


def the_open_fragment_is_lost_at_the_stop(patch: Patch) -> None:
    original = Camera._close_recording

    async def close(self: Camera, cause: Any) -> None:
        if self._recording is not None:
            self._recording.end(cause)  # the cut comes too late
        await original(self, cause)

    patch.setattr(Camera, "_close_recording", close)


def half_of_the_pre_event_is_forgotten(patch: Patch) -> None:
    told_as(patch, prebuffer_actual_s=lambda account: account.prebuffer_actual_s / 2)


def the_whole_pre_event_is_always_claimed(patch: Patch) -> None:
    told_as(patch, prebuffer_actual_s=lambda account: account.prebuffer_configured_s)


def told_as(patch: Patch, **lies: Callable[[Any], Any]) -> None:
    original = Clip.snapshot

    def told(self: Clip) -> Any:
        account = original(self)
        return msgspec.structs.replace(account, **{key: lie(account) for key, lie in lies.items()})

    patch.setattr(Clip, "snapshot", told)


def gaps_are_not_told(patch: Patch) -> None:
    patch.setattr(Clip, "left_out", lambda self, gap, until_ticks, dropped_frames: None)


def markers_are_told_and_not_written(patch: Patch) -> None:
    patch.setattr(Recording, "mark", lambda self, moment: None)


def markers_are_forgotten(patch: Patch) -> None:
    patch.setattr(Camera, "_set_marker", lambda self, item: None)


def nobody_says_what_was_saved(patch: Patch) -> None:
    original = Camera._on_notice
    patch.setattr(
        Camera, "_on_notice", lambda self, notice: None if isinstance(notice, Saved) else original(self, notice)
    )


# -- commands ----------------------------------------------------------------------------------------------------------


def a_repeated_command_records_again(patch: Patch) -> None:
    patch.setattr(Outbox, "answer", lambda self, command_id: None)


def a_repeated_command_is_answered_differently(patch: Patch) -> None:
    original = Outbox.answer

    def answer(self: Outbox, command_id: str) -> Any:
        earlier = original(self, command_id)
        return earlier and msgspec.structs.replace(earlier, result="failed", reason="done already")

    patch.setattr(Outbox, "answer", answer)


def expired_commands_are_carried_out(patch: Patch) -> None:
    patch.setattr(session_module, "objection", lambda *args, **keys: None)


def retained_commands_are_carried_out(patch: Patch) -> None:
    patch.setattr(session_module, "Delivery", lambda retained, live, expiry_s: Delivery(False, live, expiry_s))


def refusals_leave_no_trace(patch: Patch) -> None:
    patch.setattr(Camera, "_report_refusal", lambda self, item, reason: None)


PLANTED: list[tuple[Callable[[Patch], None], Scenario, str]] = [
    (events_are_dropped_when_the_line_breaks, BAD_DAY, "events-come-once-and-in-order"),
    (the_newest_event_goes_first, STORM, "events-come-once-and-in-order"),
    (every_event_is_sent_twice, SMOKE, "events-are-repeated-only-after-a-reconnect"),
    (one_id_for_two_events, SMOKE, "events-come-once-and-in-order"),
    (what_waits_is_not_written_down, BAD_DAY, "what-happened-is-told"),
    (the_birth_is_left_out_after_a_reconnect, BAD_DAY, "every-connection-begins-with-a-birth"),
    (a_client_id_for_each_connection, BAD_DAY, "no-stale-state-is-left-standing"),
    (a_late_will_stays, BAD_DAY, "no-stale-state-is-left-standing"),
    (a_stop_changes_no_state, SMOKE, "the-retained-state-is-true"),
    (a_stop_changes_no_state, BAD_DAY, "no-stale-state-is-left-standing"),
    (it_always_says_that_it_buffers, BAD_DAY, "every-state-told-is-true"),
    (the_fragment_at_the_join_is_lost, SMOKE, "recordings-hold-all-their-time"),
    (the_open_fragment_is_lost_at_the_stop, SMOKE, "recordings-last-as-long-as-wanted"),
    (half_of_the_pre_event_is_forgotten, SMOKE, "pre-event-is-as-long-as-it-could-be"),
    (half_of_the_pre_event_is_forgotten, SMOKE, "pre-event-is-there-or-explained"),
    (the_whole_pre_event_is_always_claimed, SMOKE, "pre-event-is-as-long-as-it-could-be"),
    (gaps_are_not_told, BAD_DAY, "gaps-are-told"),
    (markers_are_told_and_not_written, SMOKE, "markers-are-kept"),
    (markers_are_forgotten, SMOKE, "markers-are-kept"),
    (nobody_says_what_was_saved, SMOKE, "saved-is-said"),
    (a_repeated_command_records_again, BAD_DAY, "activations-are-answered"),
    (a_repeated_command_is_answered_differently, BAD_DAY, "commands-have-one-end"),
    (expired_commands_are_carried_out, BAD_DAY, "late-commands-are-refused"),
    (expired_commands_are_carried_out, BAD_DAY, "every-recording-was-asked-for"),
    (retained_commands_are_carried_out, SMOKE, "every-recording-was-asked-for"),
    (refusals_leave_no_trace, CROSS_PURPOSES, "commands-have-one-end"),
]


@pytest.mark.parametrize("scenario", [SMOKE, BAD_DAY, STORM, CROSS_PURPOSES], ids=lambda one: one.title)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_firmware_as_it_is_stays_green(scenario: Scenario, seed: int) -> None:
    assert failed(scenario, seed) == set()


@pytest.mark.parametrize(
    ("plant", "scenario", "checker"), PLANTED, ids=[f"{one[0].__name__}-{one[2]}" for one in PLANTED]
)
def test_each_planted_bug_is_caught(
    plant: Callable[[Patch], None], scenario: Scenario, checker: str, monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    assert any(checker in failed(scenario, seed) for seed in SEEDS)


def test_a_planted_bug_changes_the_trace(monkeypatch: Patch) -> None:
    before = run(SMOKE, 1)[0].trace_sha256
    nobody_says_what_was_saved(monkeypatch)
    assert run(SMOKE, 1)[0].trace_sha256 != before
