"""False alarms that chaos found in the checkers: what is no fault of the camera is not reported as one, and what lies
right beside it still is.
"""

from typing import Any

import pytest

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
from lapel.recording import Cause
from lapel_fleet.checkers.back_end import shows_offline_cameras
from lapel_fleet.checkers.records import Case
from lapel_fleet.checkers.registry import CHECKERS, judge

OFF = [*LIGHTS, (120.0, "off")]
SAVED = event(2, "recording-saved", 110.0, recording="clip", duration_s=40.0, frames=1200)


def verdict(name: str, one: Case) -> str:
    (finding,) = judge([one], {name: CHECKERS[name]})
    return finding.verdict


# -- power that is lost a moment after the ledger's second (chaos seeds 2, 7, 21) --------------------------------------


def test_the_wall_clock_may_be_a_millisecond_behind_the_loss_of_power() -> None:
    shift = [POWER_ON, moved(1.0, "buffering"), moved(100.0, "recording")]
    entries = [*audit(*shift), *audit((110.0, "power-on", {}), (111.0, "booted", {}), session="two", clock_s=-0.01)]
    lights = [(0.0, "booting"), (1.0, "buffering"), (100.0, "recording"), (110.0, "off"), (110.0, "booting")]
    assert verdict("the-ledger-is-true", case(audit=entries, states=lights, card_faults=1)) == "passed"
    assert verdict("the-ledger-is-true", case(audit=entries, states=[*lights[:3], lights[-1]])) == "failed"


# -- a microphone that is unplugged twice between two looks at it (chaos seed 37) --------------------------------------


def test_two_outages_that_the_camera_cannot_tell_apart_are_one() -> None:
    lost = event(1, "microphone-lost", 140.0)
    day: dict[str, Any] = {"states": [(0.0, "buffering"), (900.0, "off")], "records_sound": True, "telemetry_s": 30.0}
    twice = ((110.0, 145.0), (165.0, 300.0))
    assert verdict("microphone-faults-are-reported", case(lost, microphone_outages=twice, **day)) == "passed"
    apart = ((110.0, 145.0), (265.0, 400.0))
    assert verdict("microphone-faults-are-reported", case(lost, microphone_outages=apart, **day)) == "failed"


def test_of_two_outages_the_camera_may_see_the_second_alone() -> None:
    """Chaos seed 94: it looked before the first, between the two, and in the second."""
    day: dict[str, Any] = {"states": [(0.0, "buffering"), (900.0, "off")], "records_sound": True, "telemetry_s": 60.0}
    twice = ((110.0, 145.0), (170.0, 400.0))
    for seen_s, expected in ((220.0, "passed"), (250.0, "failed")):
        lost = event(1, "microphone-lost", seen_s)
        assert verdict("microphone-faults-are-reported", case(lost, microphone_outages=twice, **day)) == expected


# -- telemetry that waited behind other messages on a slow link (seed 146) ---------------------------------------------


def test_the_level_of_the_sound_is_of_the_moment_that_telemetry_tells() -> None:
    day: dict[str, Any] = {"states": LIGHTS, "records_sound": True, "microphone_outages": ((20.0, 50.0),)}
    for uptime_s, expected in ((49.5, "passed"), (60.0, "failed")):
        late = telemetry(uptime_s=uptime_s, sound_rms_dbfs=-120.0, sound_peak_dbfs=-120.0)
        assert verdict("sound-level-is-plausible", case((65.0, late), audit=audit(POWER_ON), **day)) == expected


# -- a camera that is off keeps its events for its next start (seeds 38, 43, 55, 110, 122, 177) ------------------------


@pytest.mark.parametrize(
    ("checker", "actual"),
    [
        ("saved-recordings-are-announced", {"accounts": [account()], "unsent_events": [SAVED]}),
        (
            "markers-are-kept",
            {
                "markers": [103.0],
                "accounts": [account(markers_s=[33.0])],
                "unsent_events": [event(1, at_s=103.0, recording="clip")],
            },
        ),
        (
            "state-changes-are-reported",
            {
                "states": [(100.0, "recording"), (120.0, "off")],
                "unsent_events": [event(1, "state-changed", 100.1, after="recording")],
            },
        ),
        (
            "activations-are-recorded-or-refused",
            {
                "activations": [press()],
                "unsent_events": [event(1, "refused", 100.0, event="start", source="button", reason="full")],
            },
        ),
        ("commands-have-one-final-reply", {"commands": ["c-1"], "unsent_replies": [reply("c-1", "done")]}),
    ],
)
def test_what_waits_on_the_flash_of_a_camera_that_is_off_is_not_lost(checker: str, actual: dict[str, Any]) -> None:
    lost = {key: value for key, value in actual.items() if not key.startswith("unsent")}
    assert verdict(checker, case(**actual)) == "passed"
    assert verdict(checker, case(**lost)) == "failed"


def test_an_event_that_was_received_and_still_waits_counts_once() -> None:
    marker = event(1, at_s=103.0, recording="clip")
    one = case(marker, accounts=[account(markers_s=[33.0])], unsent_events=[marker])
    assert verdict("markers-are-kept", one) == "passed"


def test_a_wrong_event_that_waits_on_the_flash_is_found() -> None:
    wrong = event(2, "recording-saved", 110.0, recording="clip", duration_s=1.0, frames=1)
    assert verdict("saved-recordings-are-announced", case(accounts=[account()], unsent_events=[wrong])) == "failed"
    late = case(expired=["c-1"], unsent_replies=[reply("c-1", "done")])
    assert verdict("expired-commands-are-refused", late) == "failed"


# -- a broker that was away when a camera went off shows what it knew before (seed 93) ---------------------------------


@pytest.mark.parametrize(
    ("outage", "expected"),
    [
        ((115.0, 300.0), "skipped"),  # away when it went off at 120 s
        ((150.0, 300.0), "skipped"),  # away before it published the last will, 45 s later
        ((30.0, 100.0), "failed"),  # there again, and received telemetry since
        ((170.0, 300.0), "failed"),  # still there when the last will was due
    ],
)
def test_what_a_broker_that_was_away_cannot_know(outage: tuple[float, float], expected: str) -> None:
    one = case((110.0, state("buffering")), (111.0, telemetry()), states=OFF, state="off", outages=[outage])
    assert verdict("retained-state-is-true", one) == expected
    believed = list(shows_offline_cameras(one, Believes("buffering")))
    assert believed == ([] if expected == "skipped" else ["the back end shows buffering, it is off"])


def test_an_outage_is_no_excuse_for_a_camera_that_runs() -> None:
    one = case(
        (110.0, state("recording")), states=LIGHTS, state="buffering", session="one", outages=[(115.0, float("inf"))]
    )
    assert verdict("retained-state-is-true", one) == "failed"


class Believes:
    """A back end that believes the same of every camera."""

    def __init__(self, state: str) -> None:
        self._state = state

    def state(self, camera: str) -> str:
        return self._state

    def events(self, camera: str) -> list[str]:
        return []


# -- an account that a camera could not finish before it went off (seed 166) -------------------------------------------


def test_an_account_that_was_never_finished_owes_no_explanation_yet() -> None:
    begun = account(status="recording", stop=None, prebuffer_actual_s=0.0, prebuffer_saved=False)
    assert verdict("pre-event-shortfalls-are-explained", case(accounts=[begun], state="off")) == "passed"
    saved = account(status="recording", stop=None, prebuffer_actual_s=3.0, prebuffer_saved=True)
    assert verdict("pre-event-shortfalls-are-explained", case(accounts=[saved], state="off")) == "failed"
    assert verdict("incomplete-recordings-are-explained", case(accounts=[begun], state="buffering")) == "failed"
    interrupted = account(status="interrupted", prebuffer_actual_s=3.0, stop=Cause("camera", "power was lost"))
    assert verdict("pre-event-shortfalls-are-explained", case(accounts=[interrupted], power_cuts=1)) == "failed"


# -- a pre-event part that is short by just what needs no reason (seed 349) --------------------------------------------


@pytest.mark.parametrize(("actual_s", "expected"), [(29.9, "passed"), (29.899, "failed")])
def test_a_tenth_of_a_second_needs_no_reason_and_a_millisecond_more_does(actual_s: float, expected: str) -> None:
    one = case(accounts=[account(prebuffer_actual_s=actual_s)])
    assert verdict("pre-event-shortfalls-are-explained", one) == expected


# -- a stop just after the video came back, before there was a frame (seed 374) ----------------------------------------


@pytest.mark.parametrize(("stop_s", "expected"), [(108.004, "passed"), (108.15, "failed")])
def test_a_recording_ends_at_its_last_frame(stop_s: float, expected: str) -> None:
    one = case(
        states=LIGHTS, stops=[stop_s], frame_outages=[(105.0, 108.0)], activations=[press()],
        accounts=[account(end_time=utc(105.0))],
    )  # fmt: skip
    assert verdict("recording-length-is-correct", one) == expected
