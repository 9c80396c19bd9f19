"""The protocol in memory: whatever comes in on a line, one line goes out, and it is an answer."""

import json
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet.control.socket.runs import RememberedRun
from lapel_fleet.checkers.registry import Finding, judge
from lapel_fleet.control.socket.messages import LINE_LIMIT_BYTES, PROTOCOL
from lapel_fleet.control.socket.request_handler import RequestHandler
from lapel_fleet.scenario.scenario import FAULTS
from lapel_fleet.time.clocks import run_virtual

CAMERA = "baltimore/cam-0001"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
WORDS = ["status", "fault", "mend", "advance", "press", "hold", "until", "online", "attach", "check", "end"]
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


def answer(line: bytes, orders: RequestHandler | None = None) -> dict[str, Any]:
    """What comes back. Where time is virtual it can wait as long as it likes."""
    orders = orders or made(RememberedRun())

    async def visit() -> bytes:
        async with AsyncExitStack() as held:
            return await orders.answer(line, held)

    said = run_virtual(lambda _: visit())
    assert said.endswith(b"\n")
    assert said.count(b"\n") == 1
    found: dict[str, Any] = json.loads(said)
    return found


def made(run: RememberedRun, findings: list[Finding] | None = None) -> RequestHandler:
    return RequestHandler(run, "demo", "smoke", 7, lambda cases: judge(cases) if findings is None else findings)


def said(request: dict[str, Any]) -> bytes:
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
def test_whatever_is_asked_is_answered(request: dict[str, Any]) -> None:
    answered = answer(said(request))
    assert answered["ok"] or is_one_line_for_people(answered)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, 'say in "do" what is wanted: status, fault, mend'),
        ({"do": "pres"}, "'pres' is no request; did you mean `press`?"),
        ({"do": "press"}, "missing required field `camera`"),
        ({"do": "press", "camera": CAMERA, "time": 2}, "unknown field `time`"),
        ({"do": "press", "camera": "baltimore/cam-0002"}, "no camera baltimore/cam-0002; did you mean"),
        ({"do": "press", "camera": CAMERA, "button": "evnt"}, "no button evnt; did you mean `event`?"),
        ({"do": "press", "camera": CAMERA, "times": 11}, "from 1 to 10 times"),
        ({"do": "hold", "camera": CAMERA, "seconds": -1}, "`float` >= 0.0"),
        ({"do": "until", "camera": CAMERA, "state": "recordin"}, "did you mean `recording`?"),
        ({"do": "until", "camera": CAMERA, "state": "recording", "within_s": 1e9}, "`float` <= 86400.0"),
        ({"do": "advance", "seconds": "2m"}, "Expected `float`, got `str`"),
        ({"do": "mend", "number": 3}, "there is no fault 3; nothing is wrong at the moment"),
        ({"do": "fault", "fault": {}}, 'say its "kind"'),
        ({"do": "fault", "fault": {"kind": "network.los"}}, "did you mean `network.loss`?"),
        ({"do": "fault", "fault": {"kind": "network.down", "loss": 0.5}}, "loss: means nothing to network.down"),
        ({"do": "fault", "fault": {"kind": "network.loss", "loss": 2}}, "`float` <= 0.9"),
        ({"do": "fault", "fault": {"kind": "network.down", "for_s": 5}}, "for_s is for scenario files"),
        ({"do": "fault", "fault": {"kind": "broker.outage"}}, "is not for a camera; stop your broker"),
        ({"do": "fault", "fault": {"kind": "heat", "sites": ["bufalo"]}}, "no site bufalo; did you mean `buffalo`?"),
        ({"do": "status", "cameras": ["buffalo"]}, "there is no camera buffalo"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_what_to_do(request_: dict[str, Any], words: str) -> None:
    answered = answer(said(request_))
    assert (answered["ok"], answered["exit_code"]) == (False, 2)
    assert words in answered["error"]


def test_orders_reach_the_run_with_their_usual_values() -> None:
    run = RememberedRun()
    orders = made(run)
    for request in (
        {"do": "press", "camera": CAMERA, "times": 2},
        {"do": "hold", "camera": CAMERA},
        {"do": "until", "camera": CAMERA, "state": "recording"},
        {"do": "online"},
    ):
        assert answer(said(request), orders) == {"ok": True, "now_s": 12.0}
    assert answer(said({"do": "advance", "seconds": 120}), orders)["behind"] == ["buffalo/cam-0001"]
    assert run.done == [
        ("press", CAMERA, "event", 2),
        ("hold", CAMERA, "event", 3.5),
        ("until", CAMERA, "recording", 120.0),
        ("online", CAMERA, "buffalo/cam-0001", 90.0),
        ("advance", 120.0),
    ]


def test_a_console_is_open_as_long_as_the_one_who_wanted_it_is_there() -> None:
    run = RememberedRun()
    attached = answer(said({"do": "attach", "camera": CAMERA}), made(run))
    assert (attached["path"], attached["role"], attached["secret"]) == ("/dev/pts/7", "service", "0123")
    assert run.done == [("attach", CAMERA), ("detach", CAMERA)]


def test_faults_have_numbers_until_they_are_mended() -> None:
    orders = made(RememberedRun())
    begun = [answer(said({"do": "fault", "fault": {"kind": kind}}), orders) for kind in ("heat", "card.full")]
    assert [one["number"] for one in begun] == [1, 2]
    assert answer(said({"do": "mend", "number": 1}), orders)["numbers"] == [1]
    (left,) = answer(said({"do": "status"}), orders)["faults"]
    assert left == {"number": 2, "kind": "card.full", "at_s": 12.0, "where": []}
    assert "there is no fault 1; there are 2" in answer(said({"do": "mend", "number": 1}), orders)["error"]
    assert answer(said({"do": "mend"}), orders)["numbers"] == [2]


def test_status_says_where_the_cameras_are_and_how_they_stand() -> None:
    standing = answer(said({"do": "status", "cameras": [CAMERA]}))
    assert (standing["protocol"], standing["run"], standing["scenario"], standing["seed"]) == (
        PROTOCOL,
        "demo",
        "smoke",
        7,
    )
    assert (standing["broker"], standing["agency"], standing["time"]) == ("mqtt://127.0.0.1", "fleet", "stepped")
    assert standing["counts"] == {"buffering": 2}
    assert standing["cameras"] == [{"camera": CAMERA, "state": "buffering", "online": True}]
    assert answer(said({"do": "status", "cameras": []}))["cameras"] == []


def test_a_finding_that_stays_is_one_and_where_time_is_real_it_may_be_news_on_its_way() -> None:
    found = Finding("no-recording-is-lost", occasions=1, failures=["baltimore/cam-0001: gone"])
    for time in ("stepped", "live"):
        judged = answer(said({"do": "check"}), made(RememberedRun(time), [found]))
        assert (judged["ok"], judged["passed"]) == (True, False)
        assert judged["checkers"][0]["failures"] == ["baltimore/cam-0001: gone"]


def test_who_wants_the_end_is_answered_first() -> None:
    orders = made(RememberedRun())
    assert not orders.end_is_wanted
    assert answer(said({"do": "end"}), orders)["ok"]
    assert orders.end_is_wanted
