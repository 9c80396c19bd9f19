"""Who wears the camera: assignment, another wearer, and what recordings say about it; labels and notes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from body_worn_camera import BodyWornHarness, run_steps
from lapel.config import load
from lapel.errors import ConfigError
from lapel.wearer_assignment import BADGE_CHARS, checked_badge
from lapel.wearer_store import WearerStore

REQUIRED = load(flags={("recording", "min_free_bytes"): 0, ("controls", "wearer_required"): True})


@given(st.text(max_size=200))
def test_a_badge_id_is_printable_and_short_or_refused(text: str) -> None:
    try:
        badge = checked_badge(text)
    except ConfigError as error:
        reason = str(error)
    else:
        reason = ""
    assert reason.isprintable()
    if reason:
        return
    assert badge.isprintable()
    assert 0 < len(badge) <= BADGE_CHARS


def test_a_recording_names_its_wearer_and_the_assignee_where_that_is_another() -> None:
    async def record(harness: BodyWornHarness) -> None:
        await harness.clock.sleep(5)
        await harness.start_recording()
        await harness.buttons.hold("event", 3.5)

    async def steps(harness: BodyWornHarness) -> None:
        await record(harness)
        harness.link.command("assign", "1", wearer="4711")
        await record(harness)
        harness.camera.wearer.assignment.set_present("0815", "console")
        await record(harness)
        assert harness.flags() == ["other-wearer"]
        harness.camera.wearer.assignment.set_present("4711", "console")
        await record(harness)
        harness.link.command("assign", "2")
        await record(harness)

    harness = run_steps(steps)
    assert [(account.wearer, account.assignee) for account in harness.storage.listing()] == [
        ("", ""), ("4711", ""), ("0815", "4711"), ("4711", ""), ("", ""),
    ]  # fmt: skip
    changes = [event.detail for event in harness.link.events("wearer-changed")]
    assert changes[1] == {"assigned": "4711", "present": "0815", "source": "console"}
    assert [reply.result for reply in harness.link.replies] == ["done", "done"]


def test_a_camera_that_must_have_a_wearer_warns_without_one() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert harness.flags() == ["no-wearer"]
        await harness.clock.sleep(1)
        given = harness.count("signals no wearer")
        assert given >= 3
        harness.link.command("assign", "1", wearer="4711")
        await harness.clock.sleep(600)
        assert harness.flags() == []
        assert harness.count("signals no wearer") == given

    run_steps(steps, config=REQUIRED)


def test_an_assignment_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "wearer.json"

    async def assign(harness: BodyWornHarness) -> None:
        harness.link.command("assign", "1", wearer=" 4711 ")
        await harness.clock.sleep(1)

    run_steps(assign, wearer=WearerStore(path))
    store = WearerStore(path)
    store.load()
    assert store.notes.assigned == "4711"


def test_a_hostile_badge_is_refused() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.link.command("assign", "1", wearer="\x1b[2J")
        await harness.clock.sleep(1)
        (reply,) = harness.link.replies
        assert reply.result == "refused"
        assert "is no badge id" in (reply.reason or "")
        assert (reply.reason or "").isprintable()

    run_steps(steps)


def test_markers_have_labels_and_those_are_safe_to_print() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        harness.buttons.press("event")
        await harness.clock.sleep(2)
        harness.link.command("mark", "1", label="knife \x1b[31mfound\n")
        await harness.clock.sleep(2)

    harness = run_steps(steps)
    (account,) = harness.storage.listing()
    assert account.marker_labels == ["", "knife .[31mfound"]
    assert account.markers_s[1] - account.markers_s[0] == pytest.approx(2, abs=0.01)
    assert [event.detail["label"] for event in harness.link.events("marker")] == account.marker_labels


def test_a_note_says_why_something_was_not_recorded() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.link.command("assign", "1", wearer="4711")
        harness.link.command("note", "2", reason="a victim asked me to stop\x07")
        harness.link.command("note", "3", reason="  ")
        await harness.clock.sleep(1)

    harness = run_steps(steps)
    (note,) = harness.link.events("note")
    assert note.detail == {"text": "a victim asked me to stop.", "wearer": "4711", "source": "command"}
    assert [reply.result for reply in harness.link.replies] == ["done", "done", "refused"]
