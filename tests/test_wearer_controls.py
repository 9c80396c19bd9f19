"""What the wearer's gestures do: stealth, mute, waking; and that no sequence of presses loses a recording."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from body_worn_camera import BodyWornHarness, run_steps
from evidence.recordings import SEALING
from lapel.hardware.interfaces import ButtonName, SoundStatus
from lapel.own_files import DamageReports
from lapel.recording import Account
from lapel.states import State
from lapel.wearer_store import WearerStore
from lapel_fleet.hardware.memory_storage import MemoryStorage


async def hold(harness: BodyWornHarness, *buttons: ButtonName, seconds: float = 3.5) -> None:
    await asyncio.gather(*(harness.buttons.hold(button, seconds) for button in buttons))
    await harness.clock.sleep(1)


def with_sound(harness: BodyWornHarness) -> None:
    status = harness.footage.status
    harness.footage.status = lambda: msgspec.structs.replace(status(), sound=SoundStatus())  # type: ignore[method-assign]


# -- stealth -----------------------------------------------------------------------------------------------------------


def test_both_buttons_held_are_stealth_and_the_record_says_so() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        await hold(harness, "event", "select")
        assert (harness.state, harness.indicators.light) == (State.RECORDING, "dark")
        assert harness.flags() == ["stealth"]
        given = sum(line.startswith("signals") for line in harness.indicators.history)
        await harness.clock.sleep(600)
        harness.battery.drop_to(2.5)
        await harness.clock.sleep(60)
        await hold(harness, "event")
        assert sum(line.startswith("signals") for line in harness.indicators.history) == given
        await hold(harness, "event", "select")
        assert harness.indicators.light == "blinking green"

    harness = run_steps(steps, storage=MemoryStorage(sealing=SEALING, keeps_audit=True))
    assert [event.detail for event in harness.link.events("stealth-changed")] == [
        {"on": True, "source": "button"}, {"on": False, "source": "button"},
    ]  # fmt: skip
    changes = [entry for entry in harness.storage.audit or () if entry.event == "stealth-changed"]
    assert [entry.detail["on"] for entry in changes] == [True, False]
    assert [account.status for account in harness.storage.listing()] == ["complete"]


def test_stealth_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state" / "wearer.json"

    async def go_into_stealth(harness: BodyWornHarness) -> None:
        await hold(harness, "event", "select")

    async def stay(harness: BodyWornHarness) -> None:
        assert set(harness.indicators.history) & {"shows solid red", "shows blinking green"} == set()
        assert harness.flags() == ["stealth"]

    run_steps(go_into_stealth, wearer=WearerStore(path))
    again = WearerStore(path)
    again.load()
    run_steps(stay, wearer=again)


def test_a_damaged_note_is_set_aside(tmp_path: Path) -> None:
    damage = DamageReports()
    (tmp_path / "wearer.json").write_text("{")
    store = WearerStore(tmp_path / "wearer.json", damage)
    store.load()
    assert not store.notes.stealth
    assert [one.kept_as for one in damage.take()] == ["wearer.json.damaged-1"]


def test_notes_that_the_disk_does_not_take_are_reported(tmp_path: Path) -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await hold(harness, "event", "select")
        assert any("wearer.json: cannot be written" in line for line in harness.indicators.history)
        assert harness.flags() == ["stealth"]

    (tmp_path / "file").write_text("")
    run_steps(steps, wearer=WearerStore(tmp_path / "file" / "wearer.json"))


def test_an_order_to_identify_is_refused_in_stealth() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await hold(harness, "event", "select")
        harness.link.command("identify")
        await harness.clock.sleep(1)
        (reply,) = harness.link.replies
        assert (reply.result, reply.reason) == ("refused", "the camera is in stealth: its wearer must not be noticed")

    assert not any("blinks" in line for line in run_steps(steps).indicators.history)


# -- mute --------------------------------------------------------------------------------------------------------------


def test_select_held_mutes_and_unmutes_a_recording_and_nothing_else() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        with_sound(harness)
        await hold(harness, "select")
        await harness.start_recording()
        await hold(harness, "select")
        assert harness.indicators.light == "blinking blue"
        assert harness.flags() == ["muted"]
        await hold(harness, "select")
        assert harness.indicators.light == "blinking red"

    harness = run_steps(steps)
    (account,) = harness.storage.listing()
    (mute,) = account.mutes
    assert mute.source == "button"
    assert mute.end_s == pytest.approx(mute.start_s + 4.5)
    assert harness.link.events("refused") == []


# -- power -------------------------------------------------------------------------------------------------------------


def test_a_press_of_power_wakes_a_camera_and_does_nothing_to_one_that_is_awake() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.buttons.press("power")
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING
        harness.link.command("sleep")
        await harness.clock.sleep(1)
        assert harness.state is State.STANDBY
        harness.buttons.press("power")
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    assert run_steps(steps).link.events("refused") == []


def test_a_squeezed_camera_neither_stops_nor_switches_off() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        await hold(harness, "event", "power", seconds=20)
        await hold(harness, "event", "power", "select", seconds=20)
        assert harness.state is State.RECORDING

    run_steps(steps)


def test_a_refused_gesture_is_heard() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        await hold(harness, "power")
        assert harness.count("signals refused") == 1

    run_steps(steps)


# -- any sequence ------------------------------------------------------------------------------------------------------

BUTTONS = st.sampled_from(("event", "event", "select", "power"))
PRESSES = st.tuples(st.just("press"), BUTTONS, st.integers(1, 3), st.floats(0.0, 3.0))
HOLDS = st.tuples(st.just("hold"), BUTTONS, st.floats(0.0, 4.0), st.floats(0.0, 3.0))
STICKS = st.tuples(st.sampled_from(("stick", "free")), BUTTONS, st.just(0), st.floats(0.0, 5.0))


def is_indicated(harness: BodyWornHarness) -> bool:
    """Whether what the wearer sees is what the camera does."""
    if "stealth" in harness.camera.status().flags:
        return harness.indicators.light == "dark"
    is_recording_light = harness.indicators.light in ("blinking red", "blinking blue")
    return is_recording_light is (harness.state is State.RECORDING)


@settings(max_examples=60)
@given(st.lists(st.one_of(PRESSES, HOLDS, STICKS), max_size=14))
def test_no_sequence_of_presses_loses_a_recording_or_leaves_one_running_unindicated(moves: list[Any]) -> None:
    async def steps(harness: BodyWornHarness) -> None:
        with_sound(harness)
        for kind, button, how, pause_s in moves:
            if kind == "hold":
                # not awaited: other buttons move while this one is held
                holding.append(asyncio.create_task(harness.buttons.hold(button, how)))
            elif kind == "press":
                harness.buttons.press(button, how)
            else:
                getattr(harness.buttons, kind)(button)
            await harness.clock.sleep(pause_s)
            if harness.state is State.OFF:
                break
        await harness.clock.sleep(10)
        assert is_indicated(harness)
        if harness.state is State.BUFFERING:
            harness.buttons.free("event")
            await harness.clock.sleep(5)
            await harness.start_recording()
            assert is_indicated(harness)

    holding: list[asyncio.Task[None]] = []
    harness = run_steps(steps)
    accounts: list[Account] = harness.storage.listing()
    started = harness.link.events("recording-started")
    assert len(accounts) == len(started)
    assert all(account.status == "complete" and account.duration_s > 0 for account in accounts)
    ended_by = {account.stop.source for account in accounts if account.stop is not None}
    assert ended_by <= {"button", "camera"}
