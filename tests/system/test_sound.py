"""Sound beside the video, by a real camera: in step, from the press on, and whole where it was promised."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lapel.clock import SystemClock
from lapel.evidence.store import EvidenceStore
from lapel.mp4_boxes import extent
from system.process import SMALL_SCENE, camera_on, lapel_camera, terminal
from system.sounds import sound
from system.videos import captured_s, complaints, shots

IN_STEP_S = 0.04
FLAGS = (*SMALL_SCENE, "--prebuffer", "2", "--audio", "tone")


async def recorded(folder: Path, *flags: str, length_s: float = 4.0) -> list[Path]:
    """Record, and return the clips' folders in their order."""
    with terminal() as keys, camera_on(keys, folder, *flags) as cam:
        await keys.shows("BUFFERING.* fps")
        await asyncio.sleep(2.5)
        keys.type(" ")
        await asyncio.sleep(length_s)
        keys.type(" ")
        await keys.shows("saved ")
        keys.type("q")
        assert await cam.ends() == 0
    store = EvidenceStore(folder / "evidence")
    return [store.root / one.recording for one in store.listing()]


def account(clip: Path) -> dict[str, Any]:
    return dict(json.loads((clip / "recording.json").read_text()))


def differences_s(video: Path) -> list[float]:
    """How much later than the frame the sound is at each frame, in seconds."""
    track, now = sound(video), SystemClock().now()
    found = []
    for shot in shots(video):
        within = track.time_within_second(shot.shown_s)
        if within is not None:
            found.append((within - captured_s(shot.number, now) + 0.5) % 1.0 - 0.5)
    return found


@pytest.mark.parametrize("in_prebuffer", [False, True])
async def test_sound_is_in_step_from_the_press_or_from_before_it(tmp_path: Path, in_prebuffer: bool) -> None:
    settings = tmp_path / "camera.toml"
    settings.write_text(f"[audio]\nin_prebuffer = {str(in_prebuffer).lower()}\n")
    (clip,) = await recorded(tmp_path, *FLAGS, "--config", str(settings))
    about, video = account(clip), clip / "video.mp4"
    assert complaints(video) == ""
    found = differences_s(video)
    assert len(found) > 60
    assert max(map(abs, found)) < IN_STEP_S, f"{min(found):.3f} to {max(found):.3f} s"
    begins_s = 0.0 if in_prebuffer else about["prebuffer_actual_s"]
    assert abs(sound(video).start_s - begins_s) < 0.1
    assert (about["audio"], about["audio_in_prebuffer"], about["audio_gaps"]) == (True, in_prebuffer, [])


async def test_sound_stays_in_step_across_linked_clips(tmp_path: Path) -> None:
    clips = await recorded(tmp_path, *FLAGS, "--max-clip", "2", length_s=6)
    assert len(clips) >= 4
    for clip in clips:
        assert complaints(clip / "video.mp4") == ""
    for clip in clips[2:-1]:
        found = differences_s(clip / "video.mp4")
        assert len(found) > 20
        assert max(map(abs, found)) < IN_STEP_S
        assert account(clip)["audio_gaps"] == []


async def test_without_a_microphone_the_file_has_no_sound_track(tmp_path: Path) -> None:
    (clip,) = await recorded(tmp_path, *SMALL_SCENE, "--prebuffer", "1", length_s=1)
    assert b"soun" not in (clip / "video.mp4").read_bytes()[:2000]
    assert account(clip)["audio"] is False


async def test_a_kill_costs_the_open_fragment_only_of_both_tracks(tmp_path: Path) -> None:
    with terminal() as keys, camera_on(keys, tmp_path, *FLAGS) as cam:
        await keys.shows("BUFFERING.* fps")
        await asyncio.sleep(2)
        keys.type(" ")
        await asyncio.sleep(3.5)
        cam.kill()
    (clip,) = [path for path in (tmp_path / "evidence").iterdir() if not path.name.startswith(".")]
    with (clip / "video.mp4").open("rb") as video:
        found = extent(video)
    assert (found.torn_bytes, found.fragments >= 4) == (0, True)
    assert complaints(clip / "video.mp4") == ""
    track = sound(clip / "video.mp4")
    assert abs(track.samples.size / track.rate_hz - found.end_ticks / 90_000) < 0.05


def test_a_microphone_that_is_missing_is_a_clear_error_at_the_start(tmp_path: Path) -> None:
    done = lapel_camera("run", "--evidence", str(tmp_path / "evidence"), *SMALL_SCENE, "--audio", "hw:77,0")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("lapel-camera: hw:77,0: cannot be opened: there is no such sound card")


async def test_alsa_s_null_device_is_recorded_and_reported_as_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ALSA path without a sound card: a plug-in of ALSA's own that delivers zeros."""
    (tmp_path / "asoundrc").write_text("pcm.!default { type null }\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"{tmp_path}/asoundrc")
    flags = (*SMALL_SCENE, "--prebuffer", "1", "--telemetry", "1", "--audio", "default")
    with terminal() as keys, camera_on(keys, tmp_path, *flags) as cam:
        await keys.shows("BUFFERING.* fps")
        keys.type(" ")
        await keys.shows("the microphone is silent")
        await keys.shows("silent-micro")
        keys.type(" ")
        await keys.shows("saved ")
        keys.type("q")
        assert await cam.ends() == 0
    (clip,) = [path for path in (tmp_path / "evidence").iterdir() if not path.name.startswith(".")]
    assert complaints(clip / "video.mp4") == ""
    track = sound(clip / "video.mp4")
    assert abs(track.samples).max() == 0
    assert account(clip)["audio_gaps"] == []
