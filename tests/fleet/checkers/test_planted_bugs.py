"""The checkers find bugs: each bug is planted as a patch of the firmware.

Every planted bug is found within `SEEDS`; the unpatched firmware passes with the same seeds of the same scenarios.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from fleet.watched import run
from lapel.audit_trail import AuditTrail
from lapel.camera import Camera
from lapel.evidence import ledger
from lapel.evidence.chain import ChainWriter
from lapel.evidence.records import FragmentStored
from lapel.link import session as session_module
from lapel.link.command_check import Delivery
from lapel.link.event_details import StealthChanged
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.transport import Hello
from lapel.media.active_recording import Recording
from lapel.media.clip import Clip
from lapel.media.notices import Saved
from lapel.reporter import Reporter
from lapel.states import State
from lapel.status_messages import StatusMessages
from lapel.wearer_signals import WearerSignals
from lapel_fleet.checkers.registry import judge
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.runs.run import AGENCY
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Operator, Scenario
from lapel_fleet.scenario.wearer import Wearer

Patch = pytest.MonkeyPatch

SMOKE = load("smoke")
SHORT_OUTAGE = Fault(kind="network.down", at_s=120, for_s=20, share=0.5)
"""Shorter than the keepalive time-out: the will of a client that reconnects with another id is published later."""
SILENCE = Fault(kind="network.half_open", at_s=1650, for_s=60)
"""For all cameras: what a camera publishes before it notices the dead link is lost, unless it keeps it."""
BAD_DAY = msgspec.structs.replace(
    load("bad-day"), sites={"baltimore": 8, "buffalo": 4}, faults=[*load("bad-day").faults, SHORT_OUTAGE, SILENCE]
)
STORM = msgspec.structs.replace(load("broker-storm"), sites={"baltimore": 12})
CONFLICTING_STOPS = msgspec.structs.replace(
    SMOKE, title="Wearers and operator stop the same recordings", duration_s=1800,
    wearer=Wearer(activations_per_hour=20, length_s=(10, 60)), operator=Operator(commands_per_hour=2400),
)  # fmt: skip
"""Many stops arrive when the other side has stopped the recording already, and are refused."""
SOUND = msgspec.structs.replace(
    SMOKE, title="Microphones that fail, in one hour", duration_s=3600, telemetry_s=30, sites={"baltimore": 6},
    wearer=Wearer(activations_per_hour=12, length_s=(120, 240)), operator=Operator(),
    faults=[
        Fault(kind="microphone.unplugged", at_s=600, for_s=200, share=0.7),
        Fault(kind="microphone.silent", at_s=1200, for_s=300, share=0.7),
        Fault(kind="microphone.delayed", at_s=1800, for_s=300, share=0.7, latency_s=3),
        Fault(kind="microphone.drift", at_s=2400, for_s=900, drift_ppm=200),
    ], expect=[],
)  # fmt: skip
WITHOUT_SOUND = msgspec.structs.replace(SOUND, title="The same without microphones", sound=False)
STEALTH = msgspec.structs.replace(
    BAD_DAY, title="Wearers go into stealth", wearer=msgspec.structs.replace(BAD_DAY.wearer, stealth=0.5)
)
SEEDS = range(1, 4)
RETAINED = {
    f"lapel/v1/{AGENCY}/{camera}/command": b'{"id": "forgotten", "command": "start-recording"}'
    for camera in SMOKE.cameras
}
"""A retained start command on the broker: no camera may carry it out."""


def failed(scenario: Scenario, seed: int) -> set[str]:
    done, _ = run(scenario, seed, retained=RETAINED if scenario is SMOKE else None)
    return {finding.checker for finding in judge(done.cases) if finding.failures}


# -- the link ----------------------------------------------------------------------------------------------------------


def events_are_dropped_when_the_connection_breaks(patch: Patch) -> None:
    async def send(self: Session, connection: Any, one: Any, host: Any) -> None:
        self._outbox.done(one)  # before the broker has it
        await connection.publish(self._contract.encode(one.message))

    patch.setattr(Session, "_send_waiting", send)


def the_newest_event_goes_first(patch: Patch) -> None:
    patch.setattr(Outbox, "first_event", lambda self: self._events[-1] if self._events else None)
    patch.setattr(Outbox, "done", lambda self, one: (self._lane(one).remove(one), self._forget(one)))


def every_event_is_sent_twice(patch: Patch) -> None:
    original = Session._send_waiting

    async def send(self: Session, connection: Any, one: Any, host: Any) -> None:
        await connection.publish(self._contract.encode(one.message))
        await original(self, connection, one, host)

    patch.setattr(Session, "_send_waiting", send)


def one_id_for_two_events(patch: Patch) -> None:
    original = Reporter.emit

    def emit(self: Reporter, detail: Any) -> None:
        self._events -= self._events % 2
        original(self, detail)

    patch.setattr(Reporter, "emit", emit)


def the_outbox_is_not_written_to_flash(patch: Patch) -> None:
    async def flush(self: Outbox) -> bool:
        self._changed.clear()
        return True

    patch.setattr(Outbox, "flush", flush)


def no_birth_message_after_a_reconnect(patch: Patch) -> None:
    original = Session._send_state

    async def send(self: Session, connection: Any, message: Any, host: Any) -> None:
        if not (self._had_name and not self._connected):
            await original(self, connection, message, host)

    patch.setattr(Session, "_send_state", send)


def a_client_id_for_each_connection(patch: Patch) -> None:
    """The broker does not take the old session over, and publishes its will when its keepalive has run out."""
    ids = iter(range(1_000_000))
    patch.setattr(session_module, "Hello", lambda name, *rest, **more: Hello(f"{name}-{next(ids)}", *rest, **more))


def a_late_will_is_not_overwritten(patch: Patch) -> None:
    """A client id for each connection, and the camera does not publish its state over its predecessor's will."""
    a_client_id_for_each_connection(patch)
    patch.setattr(Session, "_is_foreign", lambda self, message: False)


# -- what the wearer sees ----------------------------------------------------------------------------------------------


def the_light_does_not_follow_a_recording(patch: Patch) -> None:
    original = WearerSignals._show_light

    def show(self: WearerSignals) -> None:
        if self._state is not State.RECORDING:
            original(self)

    patch.setattr(WearerSignals, "_show_light", show)


def stealth_is_not_put_on_record(patch: Patch) -> None:
    original = Reporter.emit

    def emit(self: Reporter, detail: Any) -> None:
        if not isinstance(detail, StealthChanged):
            original(self, detail)

    patch.setattr(Reporter, "emit", emit)


# -- states ------------------------------------------------------------------------------------------------------------


def a_stop_does_not_publish_the_state(patch: Patch) -> None:
    original = Camera._publish_state

    def publish(self: Camera) -> None:
        if self._reporter.wire_state != "buffering":
            original(self)

    patch.setattr(Camera, "_publish_state", publish)


def the_reported_state_is_always_buffering(patch: Patch) -> None:
    patch.setattr(Reporter, "wire_state", property(lambda self: "buffering"))


# -- recordings --------------------------------------------------------------------------------------------------------


def the_fragment_after_the_pre_event_part_is_lost(patch: Patch) -> None:
    """The fragment that was open at the press is taken for one that is written already."""
    original = Recording.__init__

    def begin(self: Recording, *args: Any) -> None:
        original(self, *args)
        self._last_number += 1

    patch.setattr(Recording, "__init__", begin)


def the_open_fragment_is_lost_at_the_stop(patch: Patch) -> None:
    original = Camera._close_recording

    async def close(self: Camera, cause: Any, *, asks: bool) -> None:
        if self._recording is not None:
            self._recording.end(cause)  # the cut comes too late
        await original(self, cause, asks=asks)

    patch.setattr(Camera, "_close_recording", close)


def half_of_the_pre_event_part_is_reported(patch: Patch) -> None:
    account_with(patch, prebuffer_actual_s=lambda account: account.prebuffer_actual_s / 2)


def the_pre_event_part_is_always_reported_complete(patch: Patch) -> None:
    account_with(patch, prebuffer_actual_s=lambda account: account.prebuffer_configured_s)


def account_with(patch: Patch, **changes: Callable[[Any], Any]) -> None:
    original = Clip.snapshot

    def snapshot(self: Clip) -> Any:
        account = original(self)
        return msgspec.structs.replace(account, **{key: change(account) for key, change in changes.items()})

    patch.setattr(Clip, "snapshot", snapshot)


def gaps_are_not_reported(patch: Patch) -> None:
    patch.setattr(Clip, "left_out", lambda self, gap, until_ticks, dropped_frames: None)


def markers_are_reported_and_not_written(patch: Patch) -> None:
    patch.setattr(Recording, "mark", lambda self, moment, label: None)


def markers_are_ignored(patch: Patch) -> None:
    patch.setattr(Camera, "_set_marker", lambda self, item: None)


def saved_recordings_are_not_announced(patch: Patch) -> None:
    original = Camera._on_notice
    patch.setattr(
        Camera, "_on_notice", lambda self, notice: None if isinstance(notice, Saved) else original(self, notice)
    )


# -- sound -------------------------------------------------------------------------------------------------------------


def gaps_of_sound_are_not_reported(patch: Patch) -> None:
    patch.setattr(Clip, "_note_silence", lambda self, from_s, to_s, lost: None)


def each_gap_of_sound_is_reported_too_long(patch: Patch) -> None:
    original = Clip._note_silence

    def note(self: Clip, from_s: float, to_s: float, lost: str | None) -> None:
        original(self, from_s, to_s + 1, lost)

    patch.setattr(Clip, "_note_silence", note)


def sound_is_lost_on_its_way_to_the_recording(patch: Patch) -> None:
    original = Recording.add
    patch.setattr(Recording, "add", lambda self, fragment: original(self, fragment.without_sound()))


def sound_from_before_the_press_is_recorded(patch: Patch) -> None:
    patch.setattr(Recording, "_with_sound_that_may_be_kept", lambda self, fragment: fragment)


def recordings_are_said_to_have_no_sound(patch: Patch) -> None:
    account_with(patch, audio=lambda account: False)


def the_level_is_not_measured(patch: Patch) -> None:
    telemetry_with(patch, sound_rms_dbfs=-120.0)


def the_level_before_the_failure_is_reported_for_ever(patch: Patch) -> None:
    telemetry_with(patch, sound_rms_dbfs=-20.0, sound_peak_dbfs=-10.0)


def telemetry_with(patch: Patch, **changes: float) -> None:
    original = StatusMessages.telemetry

    def telemetry(self: StatusMessages, *args: Any) -> Any:
        return msgspec.structs.replace(original(self, *args), **changes)

    patch.setattr(StatusMessages, "telemetry", telemetry)


def a_microphone_that_fails_is_not_reported(patch: Patch) -> None:
    patch.setattr(Camera, "_report_microphone", lambda self, flags, before: None)


def flags_that_were_published_with_a_state_are_not_reported(patch: Patch) -> None:
    original = Camera._publish_state

    def publish(self: Camera) -> None:
        original(self)
        self._reported_flags = self._published_flags

    patch.setattr(Camera, "_publish_state", publish)


# -- evidence ----------------------------------------------------------------------------------------------------------


def a_record_of_a_manifest_is_skipped(patch: Patch) -> None:
    original = ChainWriter.stage

    def stage(self: ChainWriter, record: Any) -> None:
        if not (isinstance(record, FragmentStored) and record.fragment == 2):
            original(self, record)

    patch.setattr(ChainWriter, "stage", stage)


def a_recovered_manifest_begins_a_chain_of_its_own(patch: Patch) -> None:
    original = ChainWriter.__init__
    patch.setattr(ChainWriter, "__init__", lambda self, signer, append, after=None: original(self, signer, append))


def a_transition_is_not_audited(patch: Patch) -> None:
    original = Camera._audit_transition

    def audit(self: Camera, item: Any, outcome: Any) -> None:
        if outcome.after != "buffering":
            original(self, item, outcome)

    patch.setattr(Camera, "_audit_transition", audit)


def entries_that_the_card_refuses_are_dropped(patch: Patch) -> None:
    original = AuditTrail._write

    async def write(self: AuditTrail) -> bool:
        is_written = await original(self)
        self._noted.clear()
        return is_written

    patch.setattr(AuditTrail, "_write", write)


def recordings_are_not_audited(patch: Patch) -> None:
    original = AuditTrail.note

    def note(self: AuditTrail, event: str, detail: Any) -> None:
        if not event.startswith("recording-"):
            original(self, event, detail)

    patch.setattr(AuditTrail, "note", note)


def the_oldest_recording_makes_room_and_no_entry_says_so(patch: Patch) -> None:
    original = MemoryStorage.create

    def create(self: MemoryStorage, account: Any) -> Any:
        if self._accounts:
            del self._accounts[next(iter(self._accounts))]
        return original(self, account)

    patch.setattr(MemoryStorage, "create", create)


def the_time_without_power_has_no_reason(patch: Patch) -> None:
    patch.setattr(ledger, "_between", lambda before, session: iter(()))


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


def refusals_are_not_reported(patch: Patch) -> None:
    patch.setattr(Camera, "_report_refusal", lambda self, item, reason: None)


PLANTED: list[tuple[Callable[[Patch], None], Scenario, str]] = [
    (events_are_dropped_when_the_connection_breaks, BAD_DAY, "events-are-complete-and-in-order"),
    (the_newest_event_goes_first, STORM, "events-are-complete-and-in-order"),
    (every_event_is_sent_twice, SMOKE, "events-are-repeated-only-after-a-reconnect"),
    (one_id_for_two_events, SMOKE, "events-are-complete-and-in-order"),
    (the_outbox_is_not_written_to_flash, BAD_DAY, "state-changes-are-reported"),
    (no_birth_message_after_a_reconnect, BAD_DAY, "every-connection-begins-with-a-birth"),
    (a_client_id_for_each_connection, BAD_DAY, "last-reported-state-is-current"),
    (a_late_will_is_not_overwritten, BAD_DAY, "last-reported-state-is-current"),
    (the_light_does_not_follow_a_recording, SMOKE, "recordings-are-indicated"),
    (stealth_is_not_put_on_record, STEALTH, "stealth-is-on-record"),
    (stealth_is_not_put_on_record, STEALTH, "recordings-are-indicated"),
    (a_stop_does_not_publish_the_state, SMOKE, "retained-state-is-true"),
    (a_stop_does_not_publish_the_state, BAD_DAY, "last-reported-state-is-current"),
    (the_reported_state_is_always_buffering, BAD_DAY, "reported-states-are-true"),
    (the_fragment_after_the_pre_event_part_is_lost, SMOKE, "missing-frames-are-reported"),
    (the_open_fragment_is_lost_at_the_stop, SMOKE, "recording-length-is-correct"),
    (half_of_the_pre_event_part_is_reported, SMOKE, "pre-event-length-is-correct"),
    (half_of_the_pre_event_part_is_reported, SMOKE, "pre-event-shortfalls-are-explained"),
    (the_pre_event_part_is_always_reported_complete, SMOKE, "pre-event-length-is-correct"),
    (gaps_are_not_reported, BAD_DAY, "gaps-are-reported"),
    (markers_are_reported_and_not_written, SMOKE, "markers-are-kept"),
    (markers_are_ignored, SMOKE, "markers-are-kept"),
    (saved_recordings_are_not_announced, SMOKE, "saved-recordings-are-announced"),
    (gaps_of_sound_are_not_reported, SOUND, "sound-gaps-are-reported"),
    (each_gap_of_sound_is_reported_too_long, SOUND, "sound-gaps-are-reported"),
    (sound_is_lost_on_its_way_to_the_recording, SOUND, "sound-gaps-are-reported"),
    (sound_from_before_the_press_is_recorded, SOUND, "sound-is-recorded-as-promised"),
    (recordings_are_said_to_have_no_sound, SOUND, "sound-is-recorded-as-promised"),
    (the_level_is_not_measured, SOUND, "sound-level-is-plausible"),
    (the_level_before_the_failure_is_reported_for_ever, SOUND, "sound-level-is-plausible"),
    (the_level_before_the_failure_is_reported_for_ever, WITHOUT_SOUND, "sound-level-is-plausible"),
    (a_microphone_that_fails_is_not_reported, SOUND, "microphone-faults-are-reported"),
    (flags_that_were_published_with_a_state_are_not_reported, SOUND, "microphone-faults-are-reported"),
    (a_record_of_a_manifest_is_skipped, SMOKE, "manifests-are-intact"),
    (a_recovered_manifest_begins_a_chain_of_its_own, BAD_DAY, "manifests-are-intact"),
    (a_transition_is_not_audited, SMOKE, "the-ledger-is-true"),
    (entries_that_the_card_refuses_are_dropped, BAD_DAY, "the-ledger-is-true"),
    (recordings_are_not_audited, SMOKE, "recordings-are-in-the-audit-log"),
    (the_oldest_recording_makes_room_and_no_entry_says_so, SMOKE, "deletions-are-in-the-audit-log"),
    (the_time_without_power_has_no_reason, BAD_DAY, "every-second-is-accounted-for"),
    (a_repeated_command_records_again, BAD_DAY, "activations-are-recorded-or-refused"),
    (a_repeated_command_is_answered_differently, BAD_DAY, "commands-have-one-final-reply"),
    (expired_commands_are_carried_out, BAD_DAY, "expired-commands-are-refused"),
    (expired_commands_are_carried_out, BAD_DAY, "every-recording-has-a-trigger"),
    (retained_commands_are_carried_out, SMOKE, "every-recording-has-a-trigger"),
    (refusals_are_not_reported, CONFLICTING_STOPS, "commands-have-one-final-reply"),
]


@pytest.mark.parametrize(
    "scenario", [SMOKE, BAD_DAY, STORM, CONFLICTING_STOPS, STEALTH, SOUND, WITHOUT_SOUND], ids=lambda one: one.title
)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_unpatched_firmware_passes(scenario: Scenario, seed: int) -> None:
    assert failed(scenario, seed) == set()


@pytest.mark.parametrize(
    ("plant", "scenario", "checker"), PLANTED, ids=[f"{one[0].__name__}-{one[2]}" for one in PLANTED]
)
def test_each_planted_bug_is_found(
    plant: Callable[[Patch], None], scenario: Scenario, checker: str, monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    assert any(checker in failed(scenario, seed) for seed in SEEDS)


def test_a_planted_bug_changes_the_trace(monkeypatch: Patch) -> None:
    before = run(SMOKE, 1)[0].trace_sha256
    saved_recordings_are_not_announced(monkeypatch)
    assert run(SMOKE, 1)[0].trace_sha256 != before
