from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.audit_entry import AuditEntry
from lapel.evidence.audit_reader import Logged
from lapel.evidence.ledger import Footage, Ledger, Span, day_of, ledger_of, sums_of, why

START = datetime(2026, 11, 27, 8, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def logged(
    mono_s: float,
    kind: str,
    session: str = "s1",
    *,
    clock_s: float = 0.0,
    quality: str = "synced",
    problem: str = "",
    **detail: Any,
) -> Logged:
    """An entry; `clock_s`: how far the wall clock is off at that time."""
    utc = at(mono_s + clock_s).isoformat(timespec="milliseconds")
    entry = AuditEntry(event=kind, detail=detail, utc=utc, mono_s=mono_s, session=session, clock_quality=quality)
    return Logged(entry, problem)


def moved(mono_s: float, after: str, session: str = "s1", requester: str = "the button", **options: Any) -> Logged:
    return logged(mono_s, "transition", session, after=after, requester=requester, **options)


SHIFT = [
    logged(0, "power-on", reason=""),
    moved(2, "buffering", requester="the camera"),
    moved(600, "recording"),
    moved(720, "buffering"),
    moved(900, "standby", requester="command 7 from dispatcher-3 (end of patrol)"),
    moved(1000, "off"),
    logged(1001, "power-off", reason="button"),
    logged(2000, "power-on", "s2", reason=""),
    moved(2001, "docked", "s2"),
    logged(2400, "heartbeat", "s2", state="docked"),
]


def reasons(ledger: Ledger) -> list[tuple[str, float]]:
    return [(span.reason, span.seconds) for span in ledger.spans]


def check_whole(spans: Sequence[Span]) -> None:
    """Every second once: each span begins where the one before ends."""
    for before, after in pairwise(spans):
        assert before.end == after.start
    assert all(span.seconds > 0 for span in spans)


def test_every_second_of_a_shift_has_one_reason() -> None:
    ledger = ledger_of(SHIFT)
    check_whole(ledger.spans)
    assert reasons(ledger)[:5] == [
        ("starting", 2.0), ("buffering", 598.0), ("recorded", 120.0), ("buffering", 180.0), ("asleep", 100.0),
    ]  # fmt: skip
    assert [reason for reason, _ in reasons(ledger)[5:]] == ["off", "starting", "docked"]
    assert sums_of(ledger.spans)["off"] == 1000.0


def test_who_put_it_to_sleep_is_named() -> None:
    assert "put to sleep by command 7 from dispatcher-3 (end of patrol)" in why(ledger_of(SHIFT), at(950))


def test_power_loss_leaves_the_time_up_to_the_next_start_unknown() -> None:
    ledger = ledger_of([*SHIFT, logged(3000, "power-on", "s3", reason="")])
    unknown = [span for span in ledger.spans if span.reason == "unknown"]
    assert [(one.start, one.end) for one in unknown] == [(at(2400), at(3000))]
    assert "lost between 2026-11-27 08:40:00 UTC and 2026-11-27 08:50:00 UTC" in unknown[0].detail


def test_footage_makes_known_what_power_loss_left_unknown() -> None:
    log = [
        logged(0, "power-on", reason=""),
        moved(2, "buffering"),
        moved(60, "recording"),
        logged(500, "power-on", "s2"),
    ]
    ledger = ledger_of(log, [Footage("clip", "s1", 30.0, 400.0)])
    assert reasons(ledger) == [("starting", 2.0), ("buffering", 28.0), ("recorded", 370.0), ("unknown", 100.0)]


def test_seconds_of_a_recording_without_frames_have_a_reason_of_their_own() -> None:
    log = [*SHIFT[:4]]
    ledger = ledger_of(log, [Footage("clip", "s1", 570.0, 650.0), Footage("clip", "s1", 700.0, 720.0)])
    assert reasons(ledger)[1:5] == [("buffering", 568.0), ("recorded", 80.0), ("no-frames", 50.0), ("recorded", 20.0)]


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_clock_that_is_set_loses_and_doubles_no_second(step_s: float) -> None:
    log = [
        logged(0, "power-on", clock_s=-step_s, reason=""),
        moved(10, "buffering", clock_s=-step_s),
        logged(100, "heartbeat"),
        moved(200, "standby"),
        moved(300, "off"),
    ]
    ledger = ledger_of(log)
    check_whole(ledger.spans)
    assert sum(span.seconds for span in ledger.spans) == pytest.approx(300.0)
    assert ledger.spans[0].start == at(0)
    assert any(f"the clock was set by {step_s:+.1f} s" in note.text for note in ledger.notes)


def test_the_time_between_the_neighbours_of_removed_entries_is_deleted() -> None:
    log = [*SHIFT[:2], moved(800, "buffering", problem="records 4 to 9 are missing"), *SHIFT[4:]]
    spans = ledger_of(log).spans
    check_whole(spans)
    (deleted,) = [span for span in spans if span.reason == "deleted"]
    assert (deleted.start, deleted.end) == (at(2), at(800))
    assert "records 4 to 9 are missing" in deleted.detail


def test_a_refusal_near_the_moment_is_named_with_its_reason() -> None:
    refused = logged(300, "refused", event="start", source="command", reason="the storage is full")
    ledger = ledger_of([*SHIFT[:2], refused, *SHIFT[2:]])
    assert "start by command was refused: the storage is full" in why(ledger, at(310))
    assert "refused" not in why(ledger, at(500))


def test_a_day_is_as_long_as_it_is_whatever_the_log_holds() -> None:
    day = day_of(ledger_of(SHIFT), START - timedelta(hours=8), START + timedelta(hours=16))
    check_whole(day.spans)
    assert sum(sums_of(day.spans).values()) == 86_400.0
    assert (day.spans[0].reason, day.spans[0].detail) == ("unknown", "the audit log begins later")
    assert (day.spans[-1].reason, day.spans[-1].detail) == ("unknown", "the audit log has no entry after this")


def test_a_moment_outside_the_log_is_unknown() -> None:
    assert "unknown. The audit log has no entry around that time" in why(ledger_of(SHIFT), at(-100))


@pytest.mark.parametrize(
    ("event", "source", "reason"),
    [
        ("power_off", "button", "off-by-button"),
        ("battery_critical", "camera", "off-by-battery"),
        ("power_off", "command", "off"),
        ("shut_down", "camera", "off"),
        ("restart", "command", "off"),
    ],
)
def test_how_a_camera_was_switched_off_is_its_reason_until_it_starts_again(
    event: str, source: str, reason: str
) -> None:
    off = [moved(1000, "off", event=event, source=source), logged(1001, "power-off", reason="…")]
    ledger = ledger_of([*SHIFT[:4], *off, logged(2000, "power-on", "s2", reason="")])
    assert reasons(ledger)[-1] == (reason, 1000.0)


def test_a_recording_that_was_taken_away_is_recorded_by_the_log_alone() -> None:
    ledger = ledger_of(SHIFT, [])
    (recorded,) = [span for span in ledger.spans if span.reason == "recorded"]
    assert recorded.seconds == 120.0
    assert "by the log alone: no recording of it is here" in recorded.detail


@pytest.mark.parametrize(
    ("clock_s", "quality", "text"),
    [
        (-800_000_000.0, "unsynced", "its clock was never set"),
        (800_000_000.0, "unknown", "its clock shows a time after that of later sessions"),
        (-3_000.0, "synced", "its clock shows a time before the end of the session before"),
    ],
)
def test_a_session_with_an_impossible_clock_loses_no_second(clock_s: float, quality: str, text: str) -> None:
    wrong = [
        logged(2000, "power-on", "s2", clock_s=clock_s, quality=quality, reason=""),
        moved(2003, "buffering", "s2", clock_s=clock_s, quality=quality),
        moved(2500, "off", "s2", clock_s=clock_s, quality=quality),
    ]
    ledger = ledger_of([*SHIFT[:7], *wrong, logged(4000, "power-on", "s3", reason="")])
    check_whole(ledger.spans)
    assert reasons(ledger)[-3:] == [("starting", 3.0), ("buffering", 497.0), ("off", 2499.0)]
    assert ledger.spans[-3].start == at(1001)
    assert text in ledger.notes[0].text


def test_times_before_a_clock_was_set_follow_from_what_it_showed_afterwards() -> None:
    late = [
        logged(2000, "power-on", "s2", clock_s=-800_000_000.0, quality="unsynced", reason=""),
        moved(2003, "buffering", "s2", clock_s=-800_000_000.0, quality="unsynced"),
        logged(2060, "heartbeat", "s2"),
    ]
    ledger = ledger_of([*SHIFT[:7], *late])
    assert [(span.start, span.reason) for span in ledger.spans[-2:]] == [
        (at(2000), "starting"),
        (at(2003), "buffering"),
    ]


def test_a_first_session_whose_clock_was_never_set_ends_before_the_next_one() -> None:
    wrong = [
        logged(0, "power-on", clock_s=800_000_000.0, quality="unknown", reason=""),
        moved(10, "docked", clock_s=800_000_000.0, quality="unknown"),
        logged(60, "heartbeat", clock_s=800_000_000.0, quality="unknown"),
    ]
    ledger = ledger_of([*wrong, logged(1000, "power-on", "s2", reason=""), moved(1010, "buffering", "s2")])
    check_whole(ledger.spans)
    assert (ledger.spans[0].start, ledger.spans[-1].end) == (at(940), at(1010))
    assert "when it ran is not known" in ledger.notes[0].text


MOVES = st.tuples(
    st.floats(0.001, 40_000).map(lambda one: round(one, 3)),
    st.sampled_from(["heartbeat", "standby", "set clock", "removed", "power-on", "off"]),
    st.integers(-100_000, 100_000),
    st.sampled_from(["synced", "unknown", "unsynced"]),
)


@given(st.lists(MOVES, max_size=20), st.integers(-30, 30))
def test_whatever_happens_no_second_is_lost_or_doubled(moves: list[tuple[float, str, int, str]], day: int) -> None:
    log = [logged(0, "power-on", reason="")]
    now_s, begun_s, ran_s, clock_s, problem = 0.0, 0.0, 0.0, 0.0, ""
    for number, (wait_s, what, step_s, quality) in enumerate(moves):
        session = log[-1].entry.session
        now_s += wait_s
        if what == "set clock":
            clock_s += step_s
        elif what == "removed":
            problem = "records are missing"
            continue
        elif what == "power-on":
            session, begun_s = f"session {number}", now_s
        else:
            what = {"off": "off", "standby": "standby"}.get(what, "buffering")
        if session == log[-1].entry.session:
            ran_s += now_s - begun_s - log[-1].entry.mono_s
        kind = "power-on" if what == "power-on" else "transition"
        log.append(
            logged(
                now_s - begun_s, kind, session, clock_s=clock_s + begun_s, quality=quality, problem=problem, after=what
            )
        )
        problem = ""
    ledger = ledger_of(log)
    check_whole(ledger.spans)
    assert sum(span.seconds for span in ledger.spans) >= ran_s - 0.01
    start = START + timedelta(days=day)
    sheet = day_of(ledger, start, start + timedelta(days=1))
    check_whole(sheet.spans)
    assert sum(sums_of(sheet.spans).values()) == pytest.approx(86_400.0, abs=1e-4)


def test_what_the_wearer_says_stands_beside_the_reason() -> None:
    ledger = ledger_of(
        [
            *SHIFT[:2],
            logged(100, "note", text="a victim asked me not to\x1b", wearer="4711", source="console"),
            logged(110, "stealth-changed", on=True, source="button"),
            logged(120, "self-tested", out_of_service=True, failed="video"),
            logged(130, "self-tested", out_of_service=False, failed="clock"),
        ]
    )
    assert [note.text for note in ledger.notes] == [
        "note by 4711: a victim asked me not to.", "stealth on, by the button", "self-test failed: video",
    ]  # fmt: skip
    assert "a victim asked me not to" in why(ledger, at(101))
