import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet.one_line import refusal
from fleet.operator.page.messages import event
from lapel.clock import iso
from lapel.link.messages import EventMessage
from lapel_fleet.operator.page.daily_cli import html, report_on, text, write_csv
from lapel_fleet.operator.page.daily_report import DailyReport, DatedEvent, daily_report
from lapel_fleet.operator.page.history import History, event_row

EVIL = "=1+1<script>alert(1)</script>"


def reported(*events: EventMessage, late_s: float = 0.2, known: tuple[str, ...] = ()) -> DailyReport:
    dated = [DatedEvent("a/1", one, datetime.fromisoformat(one.time) + timedelta(seconds=late_s)) for one in events]
    return daily_report("demo", "2026-11-24", dated, known)


def found(report: DailyReport) -> list[tuple[str, float | None, str]]:
    return [(one.kind, one.seconds, one.reason) for one in report.findings]


def test_a_day_on_which_all_was_well() -> None:
    report = reported(
        event("1", "booted", 1, firmware="0"), event("2", "recording-started", 2, recording="r"),
        event("3", "prebuffer-saved", 3, recording="r", actual_s=30.2, configured_s=30.0, shortfall=None),
        event("4", "recording-saved", 4, recording="r", duration_s=60.0, frames=1800, dropped_frames=0, gaps=0),
    )  # fmt: skip
    assert found(report) == []
    assert [(one.cameras, one.recordings, one.whole) for one in report.sites] == [(1, 1, 1)]


def test_what_was_not_recorded_and_why() -> None:
    report = reported(
        event("1", "recording-failed", 1, recording="r", reason="the card is full"),
        event("2", "footage-lost", 2, recording="r", frames=30, seconds=1.0, reason="disk too slow"),
        event("3", "prebuffer-saved", 3, recording="r", actual_s=4.0, configured_s=30.0, shortfall="was off"),
        event("4", "refused", 4, event="start", source="button", reason="the camera has a fault"),
        event("5", "recording-saved", 5, recording="s", duration_s=9.0, frames=1, dropped_frames=2, gaps=1),
        event("6", "events-dropped", 6, **{"state-changed": 7}),
    )
    assert found(report) == [
        ("start refused", None, "the camera has a fault (requested by button)"),
        ("short pre-event part", 26.0, "was off"),
        ("footage lost", 1.0, "disk too slow"),
        ("recording failed", None, "the card is full"),
        ("gaps in a recording", None, "1 gaps, 2 dropped frames"),
        ("events dropped", None, "7 state-changed"),
    ]


def test_duties_that_were_not_kept_come_first_and_a_refusal_names_its_rule() -> None:
    report = reported(
        event("1", "refused", 1, event="start", source="command", reason="not in a court", rule="court"),
        event("2", "duty-cut-short", 2, rule="arrest-end", recording="r", source="button", reason=""),
        event("3", "duty-missed", 3, rule="arrest", activity="arrest", within_s=30.0, reason="it was in standby"),
        event("4", "offload-failed", 4, recording="r", reason="the back end refuses it"),
    )
    assert found(report) == [
        ("duty missed", None, "arrest, against arrest: it was in standby"),
        ("duty cut short", None, "against arrest-end, by button"),
        ("start refused", None, "not in a court (against court, requested by command)"),
        ("offload failed", None, "the back end refuses it"),
    ]


def test_a_start_that_is_refused_because_it_records_already_is_no_miss() -> None:
    report = reported(
        event("1", "refused", 1, event="start", source="command", reason="the camera is recording already"),
        event("2", "refused", 2, event="stop", source="command", reason="nothing is being recorded"),
    )
    assert found(report) == []


def test_a_recording_whose_end_nobody_reported_and_a_camera_that_starts_often() -> None:
    boots = [event(f"b{number}", "booted", 10 + number, f"s{number}", firmware="0") for number in range(5)]
    report = reported(event("1", "recording-started", 1, recording="r"), *boots)
    assert found(report) == [
        ("no end on record", None, "the session ended before it"),
        ("many starts", None, "the firmware started 5 times"),
    ]


def test_clocks_that_are_ahead_and_events_that_come_late() -> None:
    assert found(reported(event("1", "marker"), late_s=-60)) == [
        ("clock ahead", 60.0, "an event came before its own time")
    ]
    assert found(reported(event("1", "marker"), late_s=7200)) == [
        ("reported late", 7200.0, "1 events came more than an hour late")
    ]


def test_like_causes_count_as_one() -> None:
    short = [
        event(
            str(number),
            "prebuffer-saved",
            number,
            actual_s=1.0,
            configured_s=2.0,
            shortfall=f"began {number}.5 s before",
        )
        for number in range(3)
    ]
    assert reported(*short).by_cause() == [("short pre-event part", "began … s before", 3)]


def test_its_forms_from_a_history(tmp_path: Path) -> None:
    history, now = History(":memory:"), datetime(2026, 11, 24, 12, tzinfo=UTC)

    def at(hours: float, id_: str) -> tuple[object, ...]:
        time = now + timedelta(hours=hours)
        one = EventMessage(
            id=id_, kind="recording-failed", time=iso(time), mono_s=1, camera="1", session="s",
            detail={"recording": "r", "reason": EVIL},
        )  # fmt: skip
        return event_row("a/1", one, time)

    state = ("b/2", iso(now), "offline", "", iso(now))
    history.write({"events": [at(-13, "before"), at(0, "within"), at(13, "after")], "states": [state]})
    report = report_on(history, "demo", datetime(2026, 11, 24, tzinfo=UTC))
    history.close()
    assert [one.time for one in report.findings] == ["2026-11-24T12:00:00.000Z"]
    assert report.silent == ("b/2",)
    assert text(report)[0] == "2026-11-24, demo: 1 recordings by 1 cameras; 1 findings"
    assert "1 cameras sent no event: b/2" in text(report)[-1]
    page = html(report)
    assert "<script" not in page
    assert "recording failed" in page
    write_csv(tmp_path / "day.csv", report)
    with (tmp_path / "day.csv").open(newline="") as file:
        head, row = csv.reader(file)
    assert (head[0], row[1], row[2]) == ("time", "a/1", "recording failed")
    assert row[5] == f"'{EVIL}"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--history", "nowhere.sqlite"], "there is no such file; `lapel-fleet serve` makes it"),
        (["--history", __file__, "--day", "24.11.2026"], "--day 24.11.2026: give a date such as 2026-11-24"),
    ],
)
def test_its_errors(options: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error in refusal(f"daily {' '.join(options)}", capsys)
