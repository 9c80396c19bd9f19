"""A muted recording: what its account, its events and the state say about it."""

import asyncio
from pathlib import Path

import pytest

from camera_harness import CameraHarness, run_steps
from lapel.hardware.interfaces import SoundStatus


async def record(harness: CameraHarness) -> None:
    harness.footage.sound = SoundStatus()
    await harness.clock.sleep(12)
    harness.camera.press()
    await harness.clock.sleep(2)


def test_a_mute_is_in_the_account_and_the_footage_is_muted_meanwhile(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await record(harness)
        assert harness.camera.mute("talks to a lawyer") is None
        await harness.clock.sleep(3)
        assert (harness.footage.muted, harness.camera.status().flags) == (True, ["muted"])
        assert harness.camera.unmute() is None
        await harness.clock.sleep(1)
        assert (harness.footage.muted, harness.camera.status().flags) == (False, [])

    harness = run_steps(tmp_path, steps)
    (account,) = harness.accounts()
    (mute,) = account["mutes"]
    assert mute["start_s"] == pytest.approx(account["prebuffer_actual_s"] + 2, abs=0.01)
    assert mute["end_s"] == pytest.approx(mute["start_s"] + 3)
    assert (mute["source"], mute["reason"]) == ("button", "talks to a lawyer")
    muted, unmuted = harness.link.events("muted", "unmuted")
    assert muted.detail == {"recording": account["recording"], "source": "button", "reason": "talks to a lawyer"}
    assert unmuted.detail == {"recording": account["recording"], "source": "button", "seconds": 3.0}


def test_a_mute_ends_with_its_recording(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await record(harness)
        harness.camera.mute("")
        await harness.clock.sleep(3)
        harness.camera.press()
        await harness.clock.sleep(1)
        assert not harness.footage.muted
        harness.camera.press()
        await harness.clock.sleep(2)

    harness = run_steps(tmp_path, steps)
    first, second = sorted(harness.accounts(), key=lambda account: account["trigger_time"])
    assert first["mutes"][0]["end_s"] == first["duration_s"]
    assert second["mutes"] == []
    assert [event.detail["source"] for event in harness.link.events("unmuted")] == ["camera"]


def test_a_mute_across_linked_clips_is_in_each_of_them(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await record(harness)
        harness.camera.mute("")
        await harness.clock.sleep(25)
        harness.camera.unmute()
        await harness.clock.sleep(1)

    accounts = run_steps(tmp_path, steps, flags={("recording", "max_clip_s"): 15}).accounts()
    first, *between, last = sorted(accounts, key=lambda account: account["start_time"])
    assert first["mutes"][0]["end_s"] == first["duration_s"]
    assert between
    for account in between:
        assert [(mute["start_s"], mute["end_s"]) for mute in account["mutes"]] == [(0, account["duration_s"])]
    assert last["mutes"][0]["start_s"] == 0
    muted_s = sum(mute["end_s"] - mute["start_s"] for account in accounts for mute in account["mutes"])
    assert muted_s == pytest.approx(25, abs=0.1)


def test_what_cannot_be_muted_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        assert harness.camera.mute("") == "the camera is not recording; there is no sound to mute"
        harness.camera.press()
        await harness.clock.sleep(1)
        assert harness.camera.mute("") == "no sound is recorded that could be muted"
        await harness.clock.sleep(0.1)
        harness.footage.sound = SoundStatus()
        assert harness.camera.unmute() == "the sound is not muted"
        await harness.clock.sleep(0.1)
        harness.camera.mute("")
        await harness.clock.sleep(0.1)
        assert harness.camera.mute("") == "the sound is muted already"

    harness = run_steps(tmp_path, steps)
    assert [event.detail["event"] for event in harness.link.events("refused")] == ["mute", "mute", "unmute", "mute"]


def test_a_mute_survives_a_loss_of_power_without_an_end(tmp_path: Path) -> None:
    async def muted_at_the_end(harness: CameraHarness) -> None:
        await record(harness)
        harness.camera.mute("private")
        await lose_power_later(harness)

    async def lose_power_later(harness: CameraHarness) -> None:
        await harness.clock.sleep(3)
        harness.store.close()
        raise ConnectionAbortedError("the power is lost")

    with pytest.raises(ConnectionAbortedError):
        run_steps(tmp_path, muted_at_the_end)
    (account,) = run_steps(tmp_path, lambda harness: asyncio.sleep(0)).accounts()
    assert account["status"] == "interrupted"
    assert [(mute["end_s"], mute["reason"]) for mute in account["mutes"]] == [(None, "private")]
