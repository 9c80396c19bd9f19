"""Expectations of a scenario file: their findings, when they are *skipped*, and the errors for wrong ones."""

import pytest

from fleet.checkers.records import account, case, event, press, state
from lapel.errors import ConfigError
from lapel.recording import Cause
from lapel_fleet.checkers.expectations import METRICS, judge_expectations, parsed
from lapel_fleet.checkers.records import Case
from lapel_fleet.checkers.registry import Finding
from lapel_fleet.scenario.loading import parse as scenario


def found(cases: list[Case], **table: object) -> Finding:
    (finding,) = judge_expectations(cases, parsed([table], "mine.toml"))
    return finding


def of(camera: str, one: Case) -> Case:
    one[0].camera = camera
    return one


RECORDED = of("a/1", case(accounts=[account(), account("b", continues="clip")]))
IDLE = of("b/1", case())


def test_recordings_are_counted_by_camera_by_site_and_over_the_fleet() -> None:
    assert found([RECORDED], what="recordings", at_least=1).verdict == "passed"
    assert found([RECORDED, IDLE], what="recordings", at_least=2).failures == [
        "fleet: recordings: 1, at least 2 was expected"
    ]
    assert found([RECORDED, IDLE], what="recordings", per="camera", at_least=1).failures == [
        "b/1: recordings: 0, at least 1 was expected"
    ]
    assert found([RECORDED, IDLE], what="recordings", per="site", at_most=0).failures == [
        "a: recordings: 1, at most 0 was expected"
    ]


def test_events_of_a_kind_are_counted_once_each() -> None:
    refused = case(event(1, "refused"), event(1, "refused"), event(2, "marker"))
    assert found([refused], what="events", kind="refused", at_most=1).verdict == "passed"
    assert found([refused], what="events", at_most=1).failures == ["fleet: events: 2, at most 1 was expected"]


def test_shares() -> None:
    half = case(accounts=[account(), account("b", status="interrupted", prebuffer_actual_s=15.0)])
    assert found([half], what="complete-share", at_least=0.5).verdict == "passed"
    assert found([half], what="complete-share", at_least=0.6).verdict == "failed"
    assert found([half], what="pre-event-share", at_least=0.75, at_most=0.75).verdict == "passed"
    away = case((0, state("buffering")), (60, state("offline")), (85, state("buffering")), (100, event(1)))
    assert found([away], what="online-share", at_least=0.75, at_most=0.75).verdict == "passed"
    gone = case((0, state("buffering")), (90, state("offline")), (100, state("offline")))
    assert found([gone], what="online-share", at_least=0.95).failures == [
        "fleet: online-share: 0.9, at least 0.95 was expected"
    ]


def test_start_latency_by_press_and_by_command() -> None:
    def started(after_s: float, id_: str) -> tuple[float, object]:
        return (100 + after_s, event(1, "recording-started", recording=id_))

    quick = case(started(0.5, "clip"), activations=[press()], accounts=[account()])
    slow = case(
        started(3.0, "b"),
        activations=[press(command="c-1")],
        accounts=[account("b", start=Cause("command", "", "c-1"))],
    )
    assert found([quick, slow], what="start-latency", below_s=2, percentile=50).verdict == "passed"
    assert found([quick, slow], what="start-latency", below_s=2).failures == [
        "fleet: start-latency is 3 s at 100 %, below 2 s was expected"
    ]


@pytest.mark.parametrize("what", METRICS)
def test_without_an_occasion_they_are_skipped(what: str) -> None:
    limit = {"below_s": 1} if what == "start-latency" else {"at_most": 1}
    assert found([case()], what=what, **limit).verdict == "skipped"


def test_the_title_is_the_name_or_metric_and_limits() -> None:
    named, unnamed = parsed(
        [
            {"name": "all record", "what": "recordings", "at_least": 1},
            {"what": "events", "kind": "refused", "at_most": 10},
        ],
        "mine.toml",
    )
    assert (named.title, unnamed.title) == ("all record", "expect events refused at_most 10")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("at_least = 1", r"expect\[0\]\.what: is missing; there are recordings, events"),
        ("what = 'recording'\nat_least = 1", r"expect\[0\]\.what = 'recording': .*did you mean `recordings`"),
        ("what = 'recordings'\nat_leats = 1", r"expect\[0\]\.at_leats: no such key; did you mean `at_least`"),
        ("what = 'recordings'", r"expect\[0\]: sets no limit; add at_least or at_most"),
        ("what = 'recordings'\nbelow_s = 1", r"below_s: does not apply to recordings; use at_least, at_most"),
        ("what = 'recordings'\nkind = 'marker'\nat_most = 1", "kind: does not apply to recordings"),
        ("what = 'events'\nkind = 'refuse'\nat_most = 1", r"kind = 'refuse': .*did you mean `refused`"),
        ("what = 'recordings'\nat_least = -1", r"expect\[0\]: .*>= 0.*at_least"),
        ("what = 'recordings'\nat_least = 'one'", r"expect\[0\]: .*at_least"),
        ("what = 'recordings'\nper = 'city'\nat_least = 1", r"expect\[0\]: .*'city'.*per"),
        ("what = 'recordings'\nat_least = 3\nat_most = 2", "at_least = 3 is more than at_most = 2"),
        ("what = 'online-share'\nat_least = 99", "at_least = 99: a share is from 0 to 1"),
        ("what = 'start-latency'\nbelow_s = 2\npercentile = 101", r"expect\[0\]: .*<= 100.*percentile"),
        ("what = 'start-latency'\nat_most = 2", "at_most: does not apply to start-latency; use below_s, perc"),
        (
            "what = 'recordings'\nat_least = 1\nname = 'saved-recordings-are-announced'",
            "`saved-recordings-are-announced` is in use",
        ),
        ("what = 'events'\nat_most = 1\n[[expect]]\nwhat = 'events'\nat_most = 1", r"expect\[1\]\.name: .* is in use"),
    ],
)
def test_a_wrong_expectation_is_an_error_with_its_key(text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)mine\.toml: .*{error}"):
        scenario(f"[sites]\nbaltimore = 1\n[[expect]]\n{text}\n", "mine.toml")


@pytest.mark.parametrize("text", ["expect = 1", "[expect]\nwhat = 'events'", "expect = [1]"])
def test_something_else_than_a_table_is_an_error(text: str) -> None:
    file = f"{text}\n[sites]\nbaltimore = 1\n"
    with pytest.raises(ConfigError, match=r"mine\.toml: expect.*\[\[expect\]\]"):
        scenario(file, "mine.toml")


def test_a_scenario_keeps_its_expectations() -> None:
    one = scenario("[sites]\nbaltimore = 1\n[[expect]]\nwhat = 'recordings'\nat_least = 1\n", "mine.toml")
    assert [expectation.what for expectation in one.expect] == ["recordings"]
