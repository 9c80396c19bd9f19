"""Each checker on records made by hand: what passes, what fails, and *skipped* without an occasion."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from fleet.checkers import offload_examples, policy_examples
from fleet.checkers.records import (
    LIGHTS,
    POWER_ON,
    account,
    audit,
    case,
    event,
    moved,
    press,
    reply,
    state,
    telemetry,
    utc,
)
from lapel.recording import Cause, GapNote
from lapel_fleet.checkers.records import Case, ManifestSummary, ReceivedRecord, Resource
from lapel_fleet.checkers.registry import CHECKERS, judge

ONE = {"activations": [press()], "accounts": [account()]}
NO_FRAMES = {"states": LIGHTS, "frame_outages": [(103.0, 105.0)], "activations": [press()]}
SAVED = event(1, "recording-saved", recording="clip", duration_s=40.0, frames=1200)
REFUSED = event(1, "refused", event="start", source="button", reason="full")
BY_COMMAND = {"accounts": [account(start=Cause("command", "", "c-1"))]}
SHIFT = (POWER_ON, moved(1, "buffering"), moved(100, "recording"), moved(110, "buffering"), moved(200, "docked"))
FULL, LESS = Resource(0, 100), Resource(60, 90)
CARD = [Resource(0, 9e6), Resource(120, 8e6)]

SOUND = {"records_sound": True, "activations": [press()]}
LOST_S = ((102.0, 105.0),)
AUDIBLE = {"sound_rms_dbfs": -20.0, "sound_peak_dbfs": -10.0}
NOTHING = {"sound_rms_dbfs": -120.0, "sound_peak_dbfs": -120.0}


def manifest(**sound: Any) -> list[ManifestSummary]:
    return [ManifestSummary("clip", "", "close", 4, 4, **sound)]


SHOWN = [(0.0, "solid red"), (1.0, "blinking green"), (100.0, "blinking red"), (110.0, "blinking green")]
DARK = [*SHOWN[:3], (103.0, "dark"), (108.0, "blinking red"), *SHOWN[3:]]
STEALTH = audit((103.0, "stealth-changed", {"on": True}), (108.0, "stealth-changed", {"on": False}))

PASSES: Mapping[str, Sequence[Case]] = {
    "activations-are-recorded-or-refused": [
        case(**ONE),
        case(REFUSED, activations=[press()]),
        case((0, event(1, "recording-failed", 103.0, recording="x", reason="card")), activations=[press()]),
        case(activations=[press(100, "c-1")], **BY_COMMAND),
    ],
    "every-recording-has-a-trigger": [case(**ONE), case(commands=["c-1"], **BY_COMMAND)],
    "no-recording-is-lost": [
        case(SAVED, **ONE),
        case(accounts=[account(continued_by="b"), account("b", continues="clip")]),
    ],
    "incomplete-recordings-are-explained": [
        case(**ONE),
        case(accounts=[account(status="interrupted")], power_cuts=1),
        case(accounts=[account(status="failed", stop=Cause("camera", "the card is full"))], state="fault"),
        case(accounts=[account(status="recording")], state="off"),
    ],
    "pre-event-shortfalls-are-explained": [
        case(**ONE),
        case(accounts=[account(prebuffer_actual_s=3.0, prebuffer_shortfall="just started")]),
    ],
    "pre-event-length-is-correct": [
        case(states=LIGHTS, **ONE),
        case(states=LIGHTS, activations=[press()], accounts=[account(prebuffer_actual_s=30.9)]),
        case(
            states=[(0, "booting"), (90, "buffering"), (100, "recording")],
            activations=[press()],
            accounts=[account(prebuffer_actual_s=9.5)],
        ),
        case(
            states=LIGHTS,
            frame_outages=[(80.0, 85.0)],
            activations=[press()],
            accounts=[account(prebuffer_actual_s=25.0)],
        ),
    ],
    "missing-frames-are-reported": [
        case(**ONE),
        case(accounts=[account(frames=1110, gaps=[GapNote(5.0, 3.0, "unplugged")])]),
        case(accounts=[account(frames=1170, dropped_frames=30)]),
    ],
    "recording-length-is-correct": [
        case(states=LIGHTS, **ONE),
        case(stops=[50.0, 110.0], **ONE),
        case(
            states=LIGHTS,
            frame_outages=[(108.0, 200.0)],
            activations=[press()],
            accounts=[account(end_time=utc(108.0))],
        ),
        case(
            states=LIGHTS, frame_outages=[(90.0, 200.0)], activations=[press()], accounts=[account(end_time=utc(90.0))]
        ),
    ],
    "gaps-are-reported": [case(accounts=[account(gaps=[GapNote(33.0, 2.0, "unplugged")])], **NO_FRAMES)],
    "no-two-recordings-at-once": [
        case(activations=[press(), press(110.0)], accounts=[account(), account("later", 110.0)])
    ],
    "saved-recordings-are-announced": [case(SAVED, **ONE)],
    "markers-are-kept": [
        case(event(1, at_s=103.0, recording="clip"), markers=[103.0], accounts=[account(markers_s=[33.0])]),
        case(event(1, "refused", 50.0, event="mark"), markers=[50.0]),
    ],
    "sound-is-recorded-as-promised": [
        case(accounts=[account(audio=True)], manifests=manifest(with_sound=1, first_sound_s=40.0), **SOUND),
        case(accounts=[account()], manifests=manifest(), records_sound=False),
        case(accounts=[account(audio=True, audio_gaps=[GapNote(30, 10, "lost")])], manifests=manifest(), **SOUND),
        case(
            accounts=[account(audio=True, audio_in_prebuffer=True)],
            manifests=manifest(with_sound=4, first_sound_s=1.0),
            **SOUND,
        ),
    ],
    "sound-gaps-are-reported": [
        case(accounts=[account(audio=True)], **SOUND),
        case(accounts=[account(audio=True)], microphone_outages=((20.0, 60.0), (200.0, 300.0)), **SOUND),
        case(
            accounts=[account(audio=True, audio_gaps=[GapNote(32, 5, "lost")])],
            microphone_outages=LOST_S,
            microphone_stalls=((104.0, 107.0),),
            **SOUND,
        ),
    ],
    "sound-level-is-plausible": [
        case((50.0, telemetry(**AUDIBLE)), states=LIGHTS, records_sound=True),
        case((50.0, telemetry(**NOTHING)), states=LIGHTS, records_sound=True, microphone_outages=((1.0, 90.0),)),
        case((3.0, telemetry(**NOTHING)), states=LIGHTS, records_sound=True),
        case((50.0, telemetry()), states=LIGHTS, records_sound=False),
    ],
    "microphone-faults-are-reported": [
        case(
            event(1, "microphone-lost", 60.0),
            (200.0, event(2)),
            states=LIGHTS,
            records_sound=True,
            microphone_outages=((40.0, 90.0),),
        ),
        case(
            event(1, "microphone-silent", 125.0),
            (200.0, event(2)),
            states=[*LIGHTS[:3], (200.0, "buffering")],
            records_sound=True,
            microphone_silences=((110.0, 180.0),),
        ),
        case(event(1, "microphone-lost", 2.0, reason="no sound yet"), states=LIGHTS, records_sound=True),
    ],
    "recordings-are-indicated": [
        case(states=LIGHTS, lights=SHOWN),
        case(states=LIGHTS, lights=[*SHOWN[:3], (104.0, "blinking blue"), *SHOWN[3:]]),
        case(states=LIGHTS, lights=DARK, audit=STEALTH),
        case(states=LIGHTS, lights=[(0.0, "dark")], audit=audit((0.5, "stealth-changed", {"on": True}))),
        case(states=LIGHTS, lights=[*SHOWN[:2], (100.8, "blinking red"), *SHOWN[3:]]),
    ],
    "stealth-is-on-record": [
        case(states=LIGHTS, lights=SHOWN, stealth_changes=[103.0, 108.0], audit=STEALTH),
    ],
    "reported-states-are-true": [
        case((100.5, state("recording")), (111.0, telemetry("recording")), states=LIGHTS),
        case((50.0, state("buffering")), (150.0, state("offline", will=True)), states=LIGHTS),
    ],
    "last-reported-state-is-current": [
        case((1.0, state("buffering")), (50.0, telemetry()), states=LIGHTS),
        case((1.0, state("buffering")), (5.0, state("offline", will=True)), (6.0, telemetry()), states=LIGHTS),
        case(
            (1.0, state("buffering")),
            (108.0, telemetry()),
            states=[(0, "buffering"), (90, "recording")],
            frame_outages=[(80.0, 120.0)],
        ),
    ],
    "state-changes-are-reported": [
        case(
            event(1, "state-changed", 1.0, after="buffering"),
            event(2, "state-changed", 100.1, after="recording"),
            event(3, "state-changed", 110.0, after="buffering"),
            states=LIGHTS,
        ),
        case(
            event(1, "state-changed", 1.0, after="buffering"),
            states=[(1.0, "buffering"), (5.0, "recording"), (5.2, "buffering"), (5.3, "off")],
        ),
    ],
    "retained-state-is-true": [
        case(state("buffering"), state="buffering", session="one"),
        case(state("offline", "before"), state="off"),
    ],
    "states-name-real-recordings": [case(state("recording", recording="clip"), **ONE)],
    "telemetry-is-plausible": [
        case((30, telemetry(uptime_s=30.0, time=utc(30))), (75, telemetry(uptime_s=60.0, time=utc(60)))),
    ],
    "events-are-complete-and-in-order": [
        case(event(1), event(2), event(1), event(2), event(3), event(1, session="two")),
    ],
    "events-are-repeated-only-after-a-reconnect": [case(event(1), event(2), state("buffering"), event(2), event(3))],
    "every-connection-begins-with-a-birth": [
        case(state("buffering"), event(1), state("offline", will=True), state("buffering"), event(2)),
    ],
    "commands-have-one-final-reply": [
        case(reply("c-1", "accepted"), reply("c-1", "done"), reply("c-1", "done"), commands=["c-1"]),
    ],
    "expired-commands-are-refused": [case(reply("c-1", "refused"), expired=["c-1"])],
    "manifests-are-intact": [
        case(manifests=[ManifestSummary("clip", "", "close", 4, 4)], **ONE),
        case(manifests=[ManifestSummary("clip", "", "recovered", 4, 4)], accounts=[account(status="interrupted")]),
        case(manifests=[ManifestSummary("clip", "", "", 4, 0)], accounts=[account(status="recording")]),
    ],
    "recordings-are-in-the-audit-log": [
        case(audit=audit((103, "recording-started", {"recording": "clip"})), **ONE),
        case(audit=audit((200, "recovered", {"recording": "clip"})), accounts=[account(status="interrupted")]),
    ],
    "deletions-are-in-the-audit-log": [
        case(audit=audit((103, "recording-started", {"recording": "clip"})), **ONE),
        case(audit=audit((103, "recording-started", {"recording": "clip"}), (500, "deletion", {"recording": "clip"}))),
    ],
    "every-second-is-accounted-for": [
        case(audit=audit(*SHIFT)),
        case(audit=[*audit(*SHIFT), *audit((300, "power-on", {}), session="two", clock_s=500)], clock_steps=1),
    ],
    "the-ledger-is-true": [
        case(audit=audit(*SHIFT), states=[*LIGHTS, (200.0, "docked")]),
        case(
            audit=[*audit(*SHIFT), *audit((300, "power-on", {}), moved(301, "buffering"), session="two")],
            states=[*LIGHTS, (210.0, "off"), (300.0, "buffering"), (400.0, "off")],
        ),
    ],
    "battery-charge-is-consistent": [
        case(battery=[FULL, LESS]),
        case(battery=[FULL, LESS, Resource(90, 95, refilling=True)]),
    ],
    "storage-space-is-consistent": [
        case((120, telemetry(storage_free_bytes=8_100_000)), storage=CARD, accounts=[account()]),
        case(storage=[*CARD, Resource(200, 9e6, refilling=True)], accounts=[account()]),
    ],
}

FAILS: Mapping[str, Sequence[tuple[Case, str]]] = {
    "activations-are-recorded-or-refused": [
        (case(activations=[press()]), "neither recorded nor refused"),
        (case(event(1, "refused", event="mark"), activations=[press()]), "neither recorded nor refused"),
        (case(activations=[press()], accounts=[account(), account("again")]), "recorded 2 times"),
        (case(activations=[press(command="c-1")], accounts=[account()]), "neither"),
    ],
    "every-recording-has-a-trigger": [
        (case(accounts=[account()]), "nothing triggered it"),
        (case(accounts=[account()], activations=[press(99.0)]), "nothing triggered it"),
        (case(commands=["c-1"], expired=["c-1"], **BY_COMMAND), "nothing triggered it"),
        (case(**BY_COMMAND), "nothing triggered it"),
    ],
    "no-recording-is-lost": [
        (case(SAVED), "clip was announced and does not exist"),
        (case(accounts=[account(continued_by="b")]), "is linked to b, which does not exist"),
    ],
    "incomplete-recordings-are-explained": [
        (case(accounts=[account(status="recording")], state="buffering"), "clip is recording"),
        (case(accounts=[account(status="interrupted")]), "1 are interrupted; 0 power cuts"),
        (case(accounts=[account(status="failed", stop=None)]), "clip is failed"),
    ],
    "pre-event-shortfalls-are-explained": [
        (case(accounts=[account(prebuffer_actual_s=3.0)]), "27.0 s are missing without a reason"),
        (case(accounts=[account(prebuffer_actual_s=31.0, prebuffer_shortfall="late")]), "nothing is missing"),
    ],
    "pre-event-length-is-correct": [
        (
            case(
                states=LIGHTS,
                activations=[press()],
                accounts=[account(prebuffer_actual_s=15.0, prebuffer_shortfall="excuses")],
            ),
            "15.0 s from before the press, 30.0 s were captured",
        ),
        (
            case(states=[(0, "booting"), (90, "buffering"), (100, "recording")], **ONE),
            "30.0 s from before the press, 10.0 s were captured",
        ),
        (case(states=LIGHTS, frame_outages=[(80.0, 85.0)], **ONE), "25.0 s were captured"),
    ],
    "missing-frames-are-reported": [
        (case(accounts=[account(frames=1150)]), "1.67 s of frames are missing and not reported"),
        (case(accounts=[account(frames=1170, fragments=40)]), "1.00 s of frames are missing and not reported"),
        (case(accounts=[account(frames=1300)]), "-3.33 s"),
        (case(accounts=[account(gaps=[GapNote(5.0, 3.0, "made up")])]), "-3.00 s"),
    ],
    "recording-length-is-correct": [
        (case(states=LIGHTS, activations=[press()], accounts=[account(end_time=utc(109.0))]), "9.00 s from the press"),
        (case(stops=[112.0], **ONE), "12.00 s expected"),
    ],
    "gaps-are-reported": [
        (case(accounts=[account()], **NO_FRAMES), "2.0 s without frames, 0.0 s are reported"),
    ],
    "no-two-recordings-at-once": [
        (
            case(activations=[press(105.0), press()], accounts=[account("later", 105.0), account()], clock_steps=1),
            "later started while clip was recording",
        ),
    ],
    "saved-recordings-are-announced": [
        (case(**ONE), "which was not announced"),
        (case(SAVED, accounts=[account(duration_s=39.0)]), "40.0 s, 1200 frames were announced"),
        (case(SAVED, accounts=[account(status="interrupted")]), "announced as saved, and is interrupted"),
    ],
    "markers-are-kept": [
        (case(markers=[103.0]), "neither reported nor refused"),
        (case(event(1, at_s=103.0, recording="clip"), accounts=[account()]), "1 markers were reported, 0 are in it"),
    ],
    "sound-is-recorded-as-promised": [
        (case(accounts=[account()], **SOUND), "is said to have no sound, the camera is set up to record sound"),
        (
            case(accounts=[account(audio=True)], records_sound=False),
            "clip: is said to have sound, the camera is set up to record none",
        ),
        (case(accounts=[account(audio=True)], manifests=manifest(), **SOUND), "no fragment has it"),
        (
            case(accounts=[account()], manifests=manifest(with_sound=2, first_sound_s=40.0), records_sound=False),
            "is said to have no sound, 2 fragments have it",
        ),
        (
            case(accounts=[account(audio=True)], manifests=manifest(with_sound=4, first_sound_s=10.0), **SOUND),
            "clip: sound from before the trigger is recorded",
        ),
    ],
    "sound-gaps-are-reported": [
        (
            case(accounts=[account(audio=True)], microphone_outages=LOST_S, **SOUND),
            "clip: 3.0 s without sound, 0.0 s are reported",
        ),
        (
            case(accounts=[account(audio=True, audio_gaps=[GapNote(32, 5, "lost")])], **SOUND),
            "clip: 0.0 s without sound, 5.0 s are reported",
        ),
    ],
    "sound-level-is-plausible": [
        (case((50.0, telemetry()), states=LIGHTS, records_sound=True), "no level of the sound at 50.0 s"),
        (
            case((50.0, telemetry(**AUDIBLE)), states=LIGHTS, records_sound=False),
            "a level of the sound, -20 dBFS, at 50.0 s, none is recorded",
        ),
        (
            case((50.0, telemetry(**NOTHING)), states=LIGHTS, records_sound=True),
            "-120 dBFS at 50.0 s, the microphone works",
        ),
        (
            case(
                (50.0, telemetry(**AUDIBLE)), states=LIGHTS, records_sound=True, microphone_silences=((1.0, math.inf),)
            ),
            "-20 dBFS at 50.0 s, the microphone delivers no sound",
        ),
        (
            case((50.0, telemetry(sound_rms_dbfs=-10.0, sound_peak_dbfs=-20.0)), states=LIGHTS, records_sound=True),
            "a peak of -20 dBFS at 50.0 s, below the level of -10 dBFS",
        ),
    ],
    "microphone-faults-are-reported": [
        (
            case((200.0, event(2)), states=LIGHTS, records_sound=True, microphone_outages=((40.0, 90.0),)),
            "the microphone was unplugged at 40.0 s; no event says so",
        ),
        (
            case(
                (300.0, event(2)),
                states=[*LIGHTS[:3], (290.0, "buffering")],
                records_sound=True,
                microphone_silences=((110.0, math.inf),),
            ),
            "the microphone was silent at 110.0 s; no event says so",
        ),
        (
            case(event(1, "microphone-lost", 60.0), states=LIGHTS, records_sound=True),
            "microphone-lost at 60.0 s: it was plugged in",
        ),
        (
            case(event(1, "microphone-silent", 60.0), states=LIGHTS, records_sound=True),
            "microphone-silent at 60.0 s: it was not silent",
        ),
    ],
    "recordings-are-indicated": [
        (case(states=LIGHTS, lights=SHOWN[:2]), "from 101.0 s to 110.0 s"),
        (case(states=LIGHTS, lights=DARK), "from 103.0 s to 108.0 s"),
        (case(states=LIGHTS, lights=[*SHOWN[:3], (105.0, "blinking green")]), "from 105.0 s to 110.0 s"),
        (case(states=LIGHTS, lights=DARK, audit=STEALTH[1:]), "from 103.0 s to 108.0 s"),
        (case(states=LIGHTS, lights=[*SHOWN[:3], (103.0, "dark")], audit=STEALTH), "from 103.0 s to 110.0 s"),
    ],
    "stealth-is-on-record": [
        (
            case(states=LIGHTS, lights=SHOWN, stealth_changes=[103.0, 108.0], audit=STEALTH[:1]),
            "the wearer changed stealth at 108.0 s, which is not on record",
        ),
    ],
    "reported-states-are-true": [
        (case((50.0, state("recording")), states=LIGHTS), "reported recording at 50.0 s, was buffering"),
        (case((50.0, telemetry("fault")), states=LIGHTS), "reported fault"),
        (case((50.0, state("offline")), states=LIGHTS), "reported off"),
    ],
    "last-reported-state-is-current": [
        (
            case((1.0, state("buffering")), (120.0, state("recording")), (140.0, telemetry()), states=LIGHTS),
            "is shown recording at 140.0 s",
        ),
        (case((5.0, state("offline", will=True)), (60.0, event(1)), states=LIGHTS), "is shown offline, and published"),
        (case((5.0, event(1)), states=LIGHTS), "before it reported its state"),
    ],
    "state-changes-are-reported": [
        (case(event(1, "state-changed", 1.0, after="buffering"), states=LIGHTS), "was recording from 100.0 s on"),
    ],
    "retained-state-is-true": [
        (case(state="buffering"), "has published no state"),
        (case(state("recording"), state="buffering", session="one"), "is shown recording"),
        (case(state("buffering", "before"), state="buffering", session="one"), "is shown buffering (before)"),
        (case(state("buffering"), state="off"), "is offline"),
    ],
    "states-name-real-recordings": [
        (case(state("recording", recording="other"), **ONE), "there is none"),
        (case(state("recording"), **ONE), "there is none"),
    ],
    "telemetry-is-plausible": [
        (case((30, telemetry(measured_fps=60.0))), "the source delivers 30"),
        (
            case((30, telemetry(uptime_s=30.0, time=utc(30))), (90, telemetry(uptime_s=60.0, time=utc(90)))),
            "30.0 s of uptime in 60.0 s",
        ),
        (case((30, telemetry(events_dropped=2)), (30, telemetry(events_dropped=1))), "fewer dropped events"),
    ],
    "events-are-complete-and-in-order": [
        (case(event(1), event(3)), "events [2] were not received"),
        (case(event(2), event(1)), "received out of order"),
        (case(event(1), event(1, "refused")), "received twice, with different content"),
    ],
    "events-are-repeated-only-after-a-reconnect": [(case(event(1), event(1)), "without a reconnect")],
    "every-connection-begins-with-a-birth": [
        (case(event(1)), "without a birth message"),
        (case(state("buffering"), state("offline", will=True), event(1)), "without a birth message"),
    ],
    "commands-have-one-final-reply": [
        (case(reply("c-1", "accepted"), commands=["c-1"]), "has 0 final replies"),
        (case(reply("c-1", "done"), reply("c-1", "failed"), commands=["c-1"]), "has 2 final replies"),
        (
            case(reply("c-1", "done", recording="a"), reply("c-1", "done", recording="b"), commands=["c-1"]),
            "2 final replies",
        ),
    ],
    "expired-commands-are-refused": [(case(reply("c-1", "done"), expired=["c-1"]), "had expired and was done")],
    "manifests-are-intact": [
        (case(manifests=[ManifestSummary("clip", "record 3 is missing", "close", 3, 4)], **ONE), "record 3 is missing"),
        (case(manifests=[ManifestSummary("clip", "", "", 4, 0)], **ONE), "the last record is missing, expected: close"),
        (case(manifests=[ManifestSummary("clip", "", "close", 3, 4)], **ONE), "3 fragments are described, 4 counted"),
    ],
    "recordings-are-in-the-audit-log": [
        (case(audit=audit(*SHIFT), **ONE), "clip: no entry of the audit log names it"),
    ],
    "deletions-are-in-the-audit-log": [
        (
            case(audit=audit((103, "recording-started", {"recording": "clip"}))),
            "clip: was recorded, is gone, and no entry says that it was deleted",
        ),
    ],
    "every-second-is-accounted-for": [
        (
            case(audit=[*audit(*SHIFT), *audit((300, "power-on", {}), session="two", clock_s=50)]),
            "the ledger accounts for 350.0 s, 300.0 s have passed",
        ),
    ],
    "the-ledger-is-true": [
        (
            case(audit=audit(*SHIFT), states=[*LIGHTS[:3], (110.0, "standby"), (200.0, "docked")]),
            "the ledger says buffering (buffering, nothing was recording; since the button), the camera was standby",
        ),
        (
            case(audit=audit((50, "heartbeat", {}), SHIFT[-1]), states=LIGHTS),
            "50.0 to 200.0 s: the ledger says unknown, the camera had power",
        ),
    ],
    "battery-charge-is-consistent": [
        (case(battery=[LESS, Resource(90, 95)]), "the charge rises from 90 to 95 at 90.0 s"),
        (case(battery=[FULL, Resource(60, -1)]), "a charge of -1 %"),
    ],
    "storage-space-is-consistent": [
        (case(storage=[*CARD, Resource(200, 9e6)], accounts=[account()]), "the free space rises"),
        (
            case(storage=CARD, accounts=[account(), account("more")]),
            "1000000 bytes were used, the recordings have 2000000",
        ),
        (
            case((120, telemetry(storage_free_bytes=1)), storage=CARD, accounts=[account()]),
            "is reported as 1 at 120.0 s",
        ),
    ],
}


PASSING = {**PASSES, **offload_examples.PASSES, **policy_examples.PASSES}
FAILING = {**FAILS, **offload_examples.FAILS, **policy_examples.FAILS}


def test_every_checker_has_examples() -> None:
    assert set(PASSING) == set(FAILING) == set(CHECKERS)


@pytest.mark.parametrize("name", CHECKERS)
def test_correct_records_pass(name: str) -> None:
    for one in PASSING[name]:
        (finding,) = judge([one], {name: CHECKERS[name]})
        assert finding.failures == []
        assert finding.verdict == "passed"


@pytest.mark.parametrize("name", CHECKERS)
def test_a_failure_describes_what_is_wrong(name: str) -> None:
    for one, text in FAILING[name]:
        (finding,) = judge([one], {name: CHECKERS[name]})
        assert finding.verdict == "failed"
        assert any(text in failure and failure.startswith("s/c: ") for failure in finding.failures), finding.failures


@pytest.mark.parametrize("name", [one for one in CHECKERS if one != "retained-state-is-true"])
def test_without_an_occasion_it_is_skipped(name: str) -> None:
    (finding,) = judge([case()], {name: CHECKERS[name]})
    assert finding.verdict == "skipped"


def test_messages_are_kept_with_their_times_and_telemetry_is_thinned() -> None:
    received = ReceivedRecord(telemetry_every_s=60)
    for at_s in (0.0, 30.0, 60.0):
        received.add(at_s, "telemetry", msgspec.json.encode(telemetry()))
    received.add(61.0, "state", msgspec.json.encode(state("buffering")))
    received.add(62.0, "event", msgspec.json.encode(event(1)))
    received.add(63.0, "reply", msgspec.json.encode(reply("c-1", "done")))
    received.add(64.0, "command", b"not for us")
    assert [one.at_s for one in received.arrivals] == [0.0, 60.0, 61.0, 62.0, 63.0]
    assert (len(received.states), len(received.events), len(received.replies)) == (1, 1, 1)
