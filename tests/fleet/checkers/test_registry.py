"""Each checker on truth and hearsay made by hand: what it lets pass, what it does not, and that it says *skipped*."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from fleet.checkers.records import LIGHTS, account, case, event, press, reply, state, telemetry, utc
from lapel.recording import Cause, GapNote
from lapel_fleet.checkers.records import Case, ReceivedRecord, Resource
from lapel_fleet.checkers.registry import CHECKERS, judge

ONE = {"activations": [press()], "accounts": [account()]}
DARK = {"states": LIGHTS, "dark": [(103.0, 105.0)], "activations": [press()]}
SAVED = event(1, "recording-saved", recording="clip", duration_s=40.0, frames=1200)
REFUSED = event(1, "refused", event="start", source="button", reason="full")
BY_COMMAND = {"accounts": [account(start=Cause("command", "", "c-1"))]}
FULL, LESS = Resource(0, 100), Resource(60, 90)
CARD = [Resource(0, 9e6), Resource(120, 8e6)]

PASSES: Mapping[str, Sequence[Case]] = {
    "activations-are-answered": [
        case(**ONE),
        case(REFUSED, activations=[press()]),
        case((0, event(1, "recording-failed", 103.0, recording="x", reason="card")), activations=[press()]),
        case(activations=[press(100, "c-1")], **BY_COMMAND),
    ],
    "every-recording-was-asked-for": [case(**ONE), case(commands=["c-1"], **BY_COMMAND)],
    "no-recording-is-lost": [
        case(SAVED, **ONE),
        case(accounts=[account(continued_by="b"), account("b", continues="clip")]),
    ],
    "recordings-end-well": [
        case(**ONE),
        case(accounts=[account(status="interrupted")], power_cuts=1),
        case(accounts=[account(status="failed", stop=Cause("camera", "the card is full"))], state="fault"),
        case(accounts=[account(status="recording")], state="off"),
    ],
    "pre-event-is-there-or-explained": [
        case(**ONE),
        case(accounts=[account(prebuffer_actual_s=3.0, prebuffer_shortfall="just started")]),
    ],
    "pre-event-is-as-long-as-it-could-be": [
        case(states=LIGHTS, **ONE),
        case(states=LIGHTS, activations=[press()], accounts=[account(prebuffer_actual_s=30.9)]),
        case(
            states=[(0, "booting"), (90, "buffering"), (100, "recording")],
            activations=[press()],
            accounts=[account(prebuffer_actual_s=9.5)],
        ),
        case(states=LIGHTS, dark=[(80.0, 85.0)], activations=[press()], accounts=[account(prebuffer_actual_s=25.0)]),
    ],
    "recordings-hold-all-their-time": [
        case(**ONE),
        case(accounts=[account(frames=1110, gaps=[GapNote(5.0, 3.0, "unplugged")])]),
        case(accounts=[account(frames=1170, dropped_frames=30)]),
    ],
    "recordings-last-as-long-as-wanted": [
        case(states=LIGHTS, **ONE),
        case(stops=[50.0, 110.0], **ONE),
        case(states=LIGHTS, dark=[(108.0, 200.0)], activations=[press()], accounts=[account(end_time=utc(108.0))]),
        case(states=LIGHTS, dark=[(90.0, 200.0)], activations=[press()], accounts=[account(end_time=utc(90.0))]),
    ],
    "gaps-are-told": [case(accounts=[account(gaps=[GapNote(33.0, 2.0, "unplugged")])], **DARK)],
    "no-two-recordings-at-once": [
        case(activations=[press(), press(110.0)], accounts=[account(), account("later", 110.0)])
    ],
    "saved-is-said": [case(SAVED, **ONE)],
    "markers-are-kept": [
        case(event(1, at_s=103.0, recording="clip"), markers=[103.0], accounts=[account(markers_s=[33.0])]),
        case(event(1, "refused", 50.0, event="mark"), markers=[50.0]),
    ],
    "every-state-told-is-true": [
        case((100.5, state("recording")), (111.0, telemetry("recording")), states=LIGHTS),
        case((50.0, state("buffering")), (150.0, state("offline", will=True)), states=LIGHTS),
    ],
    "no-stale-state-is-left-standing": [
        case((1.0, state("buffering")), (50.0, telemetry()), states=LIGHTS),
        case((1.0, state("buffering")), (5.0, state("offline", will=True)), (6.0, telemetry()), states=LIGHTS),
        case(
            (1.0, state("buffering")),
            (108.0, telemetry()),
            states=[(0, "buffering"), (90, "recording")],
            dark=[(80.0, 120.0)],
        ),
    ],
    "what-happened-is-told": [
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
    "the-retained-state-is-true": [
        case(state("buffering"), state="buffering", session="one"),
        case(state("offline", "before"), state="off"),
    ],
    "states-name-real-recordings": [case(state("recording", recording="clip"), **ONE)],
    "telemetry-is-plausible": [
        case((30, telemetry(uptime_s=30.0, time=utc(30))), (75, telemetry(uptime_s=60.0, time=utc(60)))),
    ],
    "events-come-once-and-in-order": [
        case(event(1), event(2), event(1), event(2), event(3), event(1, session="two")),
    ],
    "events-are-repeated-only-after-a-reconnect": [case(event(1), event(2), state("buffering"), event(2), event(3))],
    "every-connection-begins-with-a-birth": [
        case(state("buffering"), event(1), state("offline", will=True), state("buffering"), event(2)),
    ],
    "commands-have-one-end": [
        case(reply("c-1", "accepted"), reply("c-1", "done"), reply("c-1", "done"), commands=["c-1"]),
    ],
    "late-commands-are-refused": [case(reply("c-1", "refused"), expired=["c-1"])],
    "batteries-add-up": [
        case(battery=[FULL, LESS]),
        case(battery=[FULL, LESS, Resource(90, 95, refilling=True)]),
    ],
    "storage-adds-up": [
        case((120, telemetry(storage_free_bytes=8_100_000)), storage=CARD, accounts=[account()]),
        case(storage=[*CARD, Resource(200, 9e6, refilling=True)], accounts=[account()]),
    ],
}

FAILS: Mapping[str, Sequence[tuple[Case, str]]] = {
    "activations-are-answered": [
        (case(activations=[press()]), "neither recorded nor refused"),
        (case(event(1, "refused", event="mark"), activations=[press()]), "neither recorded nor refused"),
        (case(activations=[press()], accounts=[account(), account("again")]), "recorded 2 times"),
        (case(activations=[press(command="c-1")], accounts=[account()]), "neither"),
    ],
    "every-recording-was-asked-for": [
        (case(accounts=[account()]), "nobody asked for it"),
        (case(accounts=[account()], activations=[press(99.0)]), "nobody asked for it"),
        (case(commands=["c-1"], expired=["c-1"], **BY_COMMAND), "nobody asked for it"),
        (case(**BY_COMMAND), "nobody asked for it"),
    ],
    "no-recording-is-lost": [
        (case(SAVED), "clip was announced and is not there"),
        (case(accounts=[account(continued_by="b")]), "goes on with b, which is not there"),
    ],
    "recordings-end-well": [
        (case(accounts=[account(status="recording")], state="buffering"), "clip is recording"),
        (case(accounts=[account(status="interrupted")]), "1 are interrupted; 0 power cuts"),
        (case(accounts=[account(status="failed", stop=None)]), "clip is failed"),
    ],
    "pre-event-is-there-or-explained": [
        (case(accounts=[account(prebuffer_actual_s=3.0)]), "27.0 s are missing without a reason"),
        (case(accounts=[account(prebuffer_actual_s=31.0, prebuffer_shortfall="late")]), "nothing is missing"),
    ],
    "pre-event-is-as-long-as-it-could-be": [
        (
            case(
                states=LIGHTS,
                activations=[press()],
                accounts=[account(prebuffer_actual_s=15.0, prebuffer_shortfall="excuses")],
            ),
            "15.0 s from before the press, 30.0 s were seen",
        ),
        (
            case(states=[(0, "booting"), (90, "buffering"), (100, "recording")], **ONE),
            "30.0 s from before the press, 10.0 s were seen",
        ),
        (case(states=LIGHTS, dark=[(80.0, 85.0)], **ONE), "25.0 s were seen"),
    ],
    "recordings-hold-all-their-time": [
        (case(accounts=[account(frames=1150)]), "1.67 s neither seen nor told"),
        (case(accounts=[account(frames=1170, fragments=40)]), "1.00 s neither seen nor told"),
        (case(accounts=[account(frames=1300)]), "-3.33 s"),
        (case(accounts=[account(gaps=[GapNote(5.0, 3.0, "made up")])]), "-3.00 s"),
    ],
    "recordings-last-as-long-as-wanted": [
        (case(states=LIGHTS, activations=[press()], accounts=[account(end_time=utc(109.0))]), "9.00 s from the press"),
        (case(stops=[112.0], **ONE), "12.00 s were wanted"),
    ],
    "gaps-are-told": [
        (case(accounts=[account()], **DARK), "2.0 s without pictures, 0.0 s are told"),
    ],
    "no-two-recordings-at-once": [
        (
            case(activations=[press(105.0), press()], accounts=[account("later", 105.0), account()], clock_steps=1),
            "later began while clip went on",
        ),
    ],
    "saved-is-said": [
        (case(**ONE), "which was never said"),
        (case(SAVED, accounts=[account(duration_s=39.0)]), "40.0 s, 1200 pictures were said"),
        (case(SAVED, accounts=[account(status="interrupted")]), "said to be saved, and is interrupted"),
    ],
    "markers-are-kept": [
        (case(markers=[103.0]), "neither told nor refused"),
        (case(event(1, at_s=103.0, recording="clip"), accounts=[account()]), "1 markers were told, 0 are in it"),
    ],
    "every-state-told-is-true": [
        (case((50.0, state("recording")), states=LIGHTS), "said at 50.0 s to be recording, was buffering"),
        (case((50.0, telemetry("fault")), states=LIGHTS), "to be fault"),
        (case((50.0, state("offline")), states=LIGHTS), "to be off"),
    ],
    "no-stale-state-is-left-standing": [
        (
            case((1.0, state("buffering")), (120.0, state("recording")), (140.0, telemetry()), states=LIGHTS),
            "is shown recording at 140.0 s",
        ),
        (case((5.0, state("offline", will=True)), (60.0, event(1)), states=LIGHTS), "is shown offline, and is heard"),
        (case((5.0, event(1)), states=LIGHTS), "before it said what it does"),
    ],
    "what-happened-is-told": [
        (case(event(1, "state-changed", 1.0, after="buffering"), states=LIGHTS), "was recording from 100.0 s on"),
    ],
    "the-retained-state-is-true": [
        (case(state="buffering"), "was never heard of"),
        (case(state("recording"), state="buffering", session="one"), "is shown recording"),
        (case(state("buffering", "before"), state="buffering", session="one"), "is shown buffering (before)"),
        (case(state("buffering"), state="off"), "is offline"),
    ],
    "states-name-real-recordings": [
        (case(state("recording", recording="other"), **ONE), "there is none"),
        (case(state("recording"), **ONE), "there is none"),
    ],
    "telemetry-is-plausible": [
        (case((30, telemetry(measured_fps=60.0))), "the lens gives 30"),
        (
            case((30, telemetry(uptime_s=30.0, time=utc(30))), (90, telemetry(uptime_s=60.0, time=utc(90)))),
            "30.0 s of uptime in 60.0 s",
        ),
        (case((30, telemetry(events_dropped=2)), (30, telemetry(events_dropped=1))), "fewer events"),
    ],
    "events-come-once-and-in-order": [
        (case(event(1), event(3)), "events [2] never came"),
        (case(event(2), event(1)), "overtook"),
        (case(event(1), event(1, "refused")), "came twice and differs"),
    ],
    "events-are-repeated-only-after-a-reconnect": [(case(event(1), event(1)), "without a reconnect")],
    "every-connection-begins-with-a-birth": [
        (case(event(1)), "without a birth"),
        (case(state("buffering"), state("offline", will=True), event(1)), "without a birth"),
    ],
    "commands-have-one-end": [
        (case(reply("c-1", "accepted"), commands=["c-1"]), "has 0 ends"),
        (case(reply("c-1", "done"), reply("c-1", "failed"), commands=["c-1"]), "has 2 ends"),
        (case(reply("c-1", "done", recording="a"), reply("c-1", "done", recording="b"), commands=["c-1"]), "2 ends"),
    ],
    "late-commands-are-refused": [(case(reply("c-1", "done"), expired=["c-1"]), "had expired and was done")],
    "batteries-add-up": [
        (case(battery=[LESS, Resource(90, 95)]), "the charge rises from 90 to 95 at 90.0 s"),
        (case(battery=[FULL, Resource(60, -1)]), "a charge of -1 %"),
    ],
    "storage-adds-up": [
        (case(storage=[*CARD, Resource(200, 9e6)], accounts=[account()]), "the free space rises"),
        (
            case(storage=CARD, accounts=[account(), account("more")]),
            "1000000 bytes are gone, the recordings weigh 2000000",
        ),
        (case((120, telemetry(storage_free_bytes=1)), storage=CARD, accounts=[account()]), "is told as 1 at 120.0 s"),
    ],
}


def test_each_checker_is_tried() -> None:
    assert set(PASSES) == set(FAILS) == set(CHECKERS)


@pytest.mark.parametrize("name", CHECKERS)
def test_it_lets_pass_what_is_well(name: str) -> None:
    for one in PASSES[name]:
        (finding,) = judge([one], {name: CHECKERS[name]})
        assert finding.failures == []
        assert finding.verdict == "passed"


@pytest.mark.parametrize("name", CHECKERS)
def test_it_says_what_is_wrong(name: str) -> None:
    for one, said in FAILS[name]:
        (finding,) = judge([one], {name: CHECKERS[name]})
        assert finding.verdict == "failed"
        assert any(said in failure and failure.startswith("s/c: ") for failure in finding.failures), finding.failures


@pytest.mark.parametrize("name", [one for one in CHECKERS if one != "the-retained-state-is-true"])
def test_it_says_that_it_saw_nothing(name: str) -> None:
    (finding,) = judge([case()], {name: CHECKERS[name]})
    assert finding.verdict == "skipped"


def test_what_is_heard_is_kept_with_its_time_and_telemetry_is_thinned() -> None:
    received = ReceivedRecord(telemetry_every_s=60)
    for at_s in (0.0, 30.0, 60.0):
        received.hear(at_s, "telemetry", msgspec.json.encode(telemetry()))
    received.hear(61.0, "state", msgspec.json.encode(state("buffering")))
    received.hear(62.0, "event", msgspec.json.encode(event(1)))
    received.hear(63.0, "reply", msgspec.json.encode(reply("c-1", "done")))
    received.hear(64.0, "command", b"not for us")
    assert [one.at_s for one in received.arrivals] == [0.0, 60.0, 61.0, 62.0, 63.0]
    assert (len(received.states), len(received.events), len(received.replies)) == (1, 1, 1)
