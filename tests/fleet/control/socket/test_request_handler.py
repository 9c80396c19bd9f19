"""The protocol in memory: for every line that comes in, one line goes out, and it is an answer."""

import json
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet.control.socket.runs import RecordingRun
from lapel_fleet.cameras.actions import Hold, Press, SwapBattery
from lapel_fleet.checkers.registry import Finding, judge
from lapel_fleet.control.socket.messages import ANSWERS, LINE_LIMIT_BYTES, PROTOCOL
from lapel_fleet.control.socket.request_handler import RequestHandler
from lapel_fleet.scenario.faults import FAULTS
from lapel_fleet.time.virtual_time import run_virtual

CAMERA = "baltimore/cam-0001"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
WORDS = [str(one.__struct_config__.tag) for one in ANSWERS]
KEYS = ["camera", "cameras", "button", "times", "seconds", "state", "within_s", "number", "fault"]
LIKELY = st.sampled_from([CAMERA, [CAMERA], "event", "recording", 1, 2.5, "1", "nowhere/cam-0001", 1e300, -1])
REQUESTS = st.fixed_dictionaries(
    {"do": st.sampled_from(WORDS)}, optional=dict.fromkeys(KEYS, LIKELY | JSON)
) | st.fixed_dictionaries(
    {
        "do": st.just("fault"),
        "fault": st.dictionaries(st.sampled_from(["kind", "loss", "share", "sites", "at_s"]), JSON)
        | st.fixed_dictionaries({"kind": st.sampled_from(sorted(FAULTS))}, optional={"share": JSON, "cameras": JSON}),
    }
)


def answer(line: bytes, handler: RequestHandler | None = None) -> dict[str, Any]:
    """The answer to one line, in virtual time."""
    handler = handler or made(RecordingRun())

    async def visit() -> bytes:
        async with AsyncExitStack() as opened:
            return await handler.answer(line, opened)

    sent = run_virtual(lambda _: visit())
    assert sent.endswith(b"\n")
    assert sent.count(b"\n") == 1
    found: dict[str, Any] = json.loads(sent)
    return found


def made(run: RecordingRun, findings: list[Finding] | None = None) -> RequestHandler:
    return RequestHandler(run, "demo", "smoke", 7, lambda cases: judge(cases) if findings is None else findings)


def line_of(request: dict[str, Any]) -> bytes:
    return json.dumps(request).encode() + b"\n"


def is_one_line_for_people(answered: dict[str, Any]) -> bool:
    return answered["exit_code"] in (1, 2, 3, 4) and answered["error"].isprintable() and bool(answered["error"])


@given(st.binary(max_size=200))
@example(b"\n")
@example(b"[" * (LINE_LIMIT_BYTES - 1) + b"\n")
@example(b'{"do": "status"}{"do": "end"}')
@example(b'{"do": "\\u0007\\u001b[2J"}')
@example(b"\xff\xfe")
def test_noise_is_answered_with_one_error(line: bytes) -> None:
    answered = answer(line)
    assert answered["ok"] or is_one_line_for_people(answered)


@given(REQUESTS)
def test_every_request_is_answered(request: dict[str, Any]) -> None:
    answered = answer(line_of(request))
    assert answered["ok"] or is_one_line_for_people(answered)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, 'name the request in "do": status, fault, mend'),
        ({"do": "pres"}, "'pres' is no request; did you mean `press`?"),
        ({"do": "press"}, "missing required field `camera`"),
        ({"do": "press", "camera": CAMERA, "time": 2}, "unknown field `time`"),
        ({"do": "press", "camera": "baltimore/cam-0002"}, "no camera baltimore/cam-0002; did you mean"),
        ({"do": "press", "camera": CAMERA, "button": "evnt"}, "no button evnt; did you mean `event`?"),
        ({"do": "press", "camera": CAMERA, "times": 11}, "1 to 10 times"),
        ({"do": "hold", "camera": CAMERA, "seconds": -1}, "`float` >= 0.0"),
        ({"do": "until", "camera": CAMERA, "state": "recordin"}, "did you mean `recording`?"),
        ({"do": "until", "camera": CAMERA, "state": "recording", "within_s": 1e9}, "`float` <= 86400.0"),
        ({"do": "advance", "seconds": "2m"}, "Expected `float`, got `str`"),
        ({"do": "mend", "number": 3}, "there is no fault 3; no fault is active"),
        ({"do": "fault", "fault": {}}, 'give its "kind"'),
        ({"do": "fault", "fault": {"kind": "network.los"}}, "did you mean `network.loss`?"),
        ({"do": "fault", "fault": {"kind": "network.down", "loss": 0.5}}, "loss: means nothing to network.down"),
        ({"do": "fault", "fault": {"kind": "network.loss", "loss": 2}}, "`float` <= 0.9"),
        ({"do": "fault", "fault": {"kind": "network.down", "for_s": 5}}, "for_s is for scenario files"),
        ({"do": "fault", "fault": {"kind": "broker.outage"}}, "does not apply to a camera; stop your broker"),
        ({"do": "fault", "fault": {"kind": "heat", "sites": ["bufalo"]}}, "no site bufalo; did you mean `buffalo`?"),
        ({"do": "status", "cameras": ["buffalo"]}, "there is no camera buffalo"),
    ],
)
def test_an_impossible_request_is_answered_with_what_to_do(request_: dict[str, Any], words: str) -> None:
    answered = answer(line_of(request_))
    assert (answered["ok"], answered["exit_code"]) == (False, 2)
    assert words in answered["error"]


def test_requests_reach_the_run_with_their_defaults() -> None:
    run = RecordingRun()
    handler = made(run)
    for request in (
        {"do": "press", "camera": CAMERA, "times": 2},
        {"do": "hold", "camera": CAMERA},
        {"do": "swap-battery", "camera": CAMERA},
        {"do": "until", "camera": CAMERA, "state": "recording"},
        {"do": "online"},
    ):
        assert answer(line_of(request), handler) == {"ok": True, "now_s": 12.0}
    assert answer(line_of({"do": "advance", "seconds": 120}), handler)["behind"] == ["buffalo/cam-0001"]
    assert run.done == [
        ("act", Press(CAMERA, "event", 2)),
        ("act", Hold(CAMERA, "event", 3.5)),
        ("act", SwapBattery(CAMERA)),
        ("until", CAMERA, "recording", 120.0),
        ("online", CAMERA, "buffalo/cam-0001", 90.0),
        ("advance", 120.0),
    ]


def test_a_console_is_open_as_long_as_its_connection() -> None:
    run = RecordingRun()
    attached = answer(line_of({"do": "attach", "camera": CAMERA}), made(run))
    assert (attached["path"], attached["role"], attached["secret"]) == ("/dev/pts/7", "service", "0123")
    assert run.done == [("attach", CAMERA), ("detach", CAMERA)]


def test_faults_have_numbers_until_they_are_ended() -> None:
    handler = made(RecordingRun())
    begun = [answer(line_of({"do": "fault", "fault": {"kind": kind}}), handler) for kind in ("heat", "card.full")]
    assert [one["number"] for one in begun] == [1, 2]
    assert answer(line_of({"do": "mend", "number": 1}), handler)["numbers"] == [1]
    (left,) = answer(line_of({"do": "status"}), handler)["faults"]
    assert left == {"number": 2, "kind": "card.full", "at_s": 12.0, "where": []}
    assert "there is no fault 1; there are 2" in answer(line_of({"do": "mend", "number": 1}), handler)["error"]
    assert answer(line_of({"do": "mend"}), handler)["numbers"] == [2]


def test_what_is_done_by_hand_is_in_the_trace_and_what_is_refused_is_not() -> None:
    run = RecordingRun()
    handler = made(run)
    for request in (
        {"do": "press", "camera": CAMERA, "times": 2, "by": "ann\x1b[2J"},
        {"do": "fault", "fault": {"kind": "heat", "cameras": [CAMERA]}, "by": "bob"},
        {"do": "mend", "number": 1},
        {"do": "press", "camera": "nowhere/1"},
        {"do": "press", "camera": CAMERA, "times": 99},
        {"do": "press", "camera": CAMERA, "by": "x" * 65},
    ):
        answer(line_of(request), handler)
    assert run.trace == [
        f"{CAMERA} press button=event times=2, by hand (ann.[2J)",
        f"{CAMERA} heat, by hand (bob), as fault 1",
        "run fault 1 ended, by hand",
    ]


def test_status_names_the_broker_and_lists_the_cameras() -> None:
    status = answer(line_of({"do": "status", "cameras": [CAMERA]}))
    assert (status["protocol"], status["run"], status["scenario"], status["seed"]) == (
        PROTOCOL,
        "demo",
        "smoke",
        7,
    )
    assert (status["broker"], status["agency"], status["time"]) == ("mqtt://127.0.0.1", "fleet", "stepped")
    assert status["counts"] == {"buffering": 2}
    assert status["cameras"] == [{"camera": CAMERA, "state": "buffering", "online": True}]
    assert answer(line_of({"do": "status", "cameras": []}))["cameras"] == []


def test_a_failure_counts_if_it_stays_in_a_live_run_too() -> None:
    found = Finding("no-recording-is-lost", occasions=1, failures=["baltimore/cam-0001: gone"])
    for time in ("stepped", "live"):
        judged = answer(line_of({"do": "check"}), made(RecordingRun(time), [found]))
        assert (judged["ok"], judged["passed"], judged["verdict"]) == (True, False, "failed")
        assert judged["checkers"][0]["failures"] == ["baltimore/cam-0001: gone"]


def test_an_inconclusive_checker_is_neither_passed_nor_failed() -> None:
    found = Finding("markers-are-kept", occasions=1, failures=["baltimore/cam-0001: lost"], inconclusive="amqtt")
    judged = answer(line_of({"do": "check"}), made(RecordingRun(), [found]))
    assert (judged["passed"], judged["verdict"]) == (False, "inconclusive")
    assert judged["checkers"][0]["verdict"] == "inconclusive"


def test_a_request_to_end_is_answered_first() -> None:
    handler = made(RecordingRun())
    assert not handler.end_requested
    assert answer(line_of({"do": "end"}), handler)["ok"]
    assert handler.end_requested
