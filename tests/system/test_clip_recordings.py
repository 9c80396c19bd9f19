"""Recordings of cameras that share a loop: the real camera and recorder, a real folder, real players; virtual time."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lapel.camera import Camera
from lapel.config import load
from lapel.evidence.store import EvidenceStore
from lapel.hardware.devices import Devices
from lapel.link.interface import NoLink
from lapel.recording import Account
from lapel.worker import InlineWorker
from lapel_fleet.checkers.clip import judge
from lapel_fleet.hardware.clip_encoding import scene_clip
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.shared_clip import SharedClip
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from simulated_parts import RecordedIndicators
from system.sounds import sound
from system.videos import complaints, length_s

PREBUFFER_S = 5.0


@cache
def shared_clip() -> SharedClip:
    return scene_clip(4)


@cache
def clip_with_sound() -> SharedClip:
    return scene_clip(4, has_sound=True)


class Wearer:
    """A camera with a shared clip as its video source, and its wearer."""

    def __init__(self, clock: VirtualClock, root: Path, name: str = "cam-0001", clip: SharedClip | None = None) -> None:
        self.clock, self.microphone = clock, SimulatedMicrophone(clock)
        clip = clip or shared_clip()
        self.footage = ComputedFootage(clock, PREBUFFER_S, clip.bitrate_bps, clip, self.microphone)
        self.store = EvidenceStore(root)
        flags = {("camera", "name"): name, ("prebuffer", "length_s"): PREBUFFER_S, ("recording", "min_free_bytes"): 0}
        self.camera = Camera(
            load(flags=flags), clock=clock, footage=self.footage, storage=self.store, worker=InlineWorker(),
            link=NoLink(), rng=random.Random(name), session="s", devices=Devices(RecordedIndicators()),
        )  # fmt: skip

    async def live(self, story: "Story") -> None:
        life = asyncio.create_task(self.camera.run())
        await story(self)
        self.camera.shut_down("over")
        await life
        self.store.close()

    async def press_after(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self.camera.press()


Story = Callable[[Wearer], Coroutine[Any, Any, None]]


def recorded(root: Path, story: Story) -> list[Account]:
    """The accounts of the recordings; each must be playable and its account true."""
    run_virtual(lambda clock: Wearer(clock, root).live(story))
    return judged(root)


def judged(root: Path) -> list[Account]:
    accounts = []
    for folder in sorted(path.parent for path in root.glob("*/recording.json")):
        verdict = judge(folder)
        assert verdict.problems == []
        assert verdict.account is not None
        assert complaints(folder / "video.mp4") == ""
        assert length_s(folder / "video.mp4") == pytest.approx(verdict.account.duration_s, abs=0.05)
        accounts.append(verdict.account)
    return sorted(accounts, key=lambda account: account.trigger_time)


def test_pressed_and_stopped_in_the_middle_of_a_gop(tmp_path: Path) -> None:
    async def story(wearer: Wearer) -> None:
        await wearer.press_after(20.37)
        await wearer.press_after(7.61)

    (account,) = recorded(tmp_path, story)
    assert account.prebuffer_actual_s == pytest.approx(5.37, abs=0.04)
    assert account.duration_s == pytest.approx(5.37 + 7.61, abs=0.04)
    assert account.frames == pytest.approx(30 * account.duration_s, abs=2)


def test_pressed_before_the_buffer_was_full(tmp_path: Path) -> None:
    async def story(wearer: Wearer) -> None:
        await wearer.press_after(1.5)
        await wearer.press_after(0.2)
        await wearer.press_after(0.3)
        await wearer.press_after(0.01)

    first, second = recorded(tmp_path, story)
    assert "capture began only 1.5 s before" in (first.prebuffer_shortfall or "")
    assert second.prebuffer_actual_s == pytest.approx(2.0, abs=0.04)


def test_a_cable_that_is_pulled_and_put_back(tmp_path: Path) -> None:
    async def story(wearer: Wearer) -> None:
        await wearer.press_after(12.2)
        await wearer.clock.sleep(3.45)
        wearer.footage.unplug("pulled")
        await wearer.clock.sleep(2.2)
        wearer.footage.plug_in()
        await wearer.press_after(4.4)

    (account,) = recorded(tmp_path, story)
    (gap,) = account.gaps
    assert (gap.reason, gap.duration_s) == ("pulled", pytest.approx(2.2, abs=0.04))


def test_a_cable_that_was_pulled_in_the_buffer(tmp_path: Path) -> None:
    async def story(wearer: Wearer) -> None:
        await wearer.clock.sleep(9.1)
        wearer.footage.unplug("pulled")
        await wearer.clock.sleep(2.0)
        wearer.footage.plug_in()
        await wearer.press_after(1.75)
        await wearer.press_after(2.0)

    (account,) = recorded(tmp_path, story)
    assert [gap.reason for gap in account.gaps] == ["pulled"]
    assert "2.0 s: pulled" in (account.prebuffer_shortfall or "")


def test_the_loop_comes_again_and_again(tmp_path: Path) -> None:
    async def story(wearer: Wearer) -> None:
        await wearer.press_after(3600.5)
        await wearer.press_after(60.5)

    (account,) = recorded(tmp_path, story)
    assert account.duration_s == pytest.approx(60.5 + 5.5, abs=0.04)
    assert account.fragments == 67
    assert account.gaps == []


def test_a_recording_with_the_clip_s_sound_plays_in_step_and_has_its_gap(tmp_path: Path) -> None:
    async def story(wearer: Wearer) -> None:
        await wearer.press_after(20.37)
        await wearer.clock.sleep(4.0)
        wearer.microphone.unplug("fell off")
        await wearer.clock.sleep(3.0)
        wearer.microphone.plug_in()
        await wearer.clock.sleep(2.0)
        assert wearer.camera.mute("private") is None
        await wearer.clock.sleep(2.0)
        assert wearer.camera.unmute() is None
        await wearer.press_after(3.0)

    run_virtual(lambda clock: Wearer(clock, tmp_path, clip=clip_with_sound()).live(story))
    (account,) = judged(tmp_path)
    pressed_s = account.prebuffer_actual_s
    (gap,) = account.audio_gaps
    assert (account.audio, gap.reason) == (True, "fell off")
    assert (gap.start_s, gap.duration_s) == (pytest.approx(pressed_s + 4, abs=0.1), pytest.approx(3, abs=0.1))
    (mute,) = account.mutes
    played = sound(tmp_path / account.recording / "video.mp4")
    assert played.start_s == 0
    for begin_s, end_s in ((0, pressed_s), (gap.start_s, gap.start_s + 3), (mute.start_s, mute.end_s or 0)):
        assert not abs(played.samples[round((begin_s + 0.1) * 48_000) : round((end_s - 0.1) * 48_000)]).any()
    for at_s in (pressed_s + step / 5 for step in range(3, 18)):
        within_s = played.time_within_second(at_s)
        if within_s is not None:
            assert within_s == pytest.approx((at_s - pressed_s) % 1, abs=0.04)


def test_many_cameras_record_the_same_loop_at_their_own_times(tmp_path: Path) -> None:
    async def story(wearer: Wearer) -> None:
        rng = random.Random(wearer.store.root.name)
        await wearer.press_after(rng.uniform(6, 12))
        await wearer.press_after(rng.uniform(1, 4))

    async def crowd(clock: VirtualClock) -> None:
        names = [f"cam-{number:04}" for number in range(1, 4)]
        for name in names:
            (tmp_path / name).mkdir()
        await asyncio.gather(*(Wearer(clock, tmp_path / name, name).live(story) for name in names))

    run_virtual(crowd)
    assert [len(judged(folder)) for folder in sorted(tmp_path.iterdir())] == [1] * 3
