"""Sound beside the video, by a real camera: in step, from the press on, and whole where it was promised."""

import asyncio
import json
import random
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from statistics import median
from time import sleep
from typing import Any

import numpy as np
import pytest

from lapel.app import live_footage, source_of
from lapel.camera import Camera
from lapel.clock import SystemClock
from lapel.config import load
from lapel.evidence.store import EvidenceStore
from lapel.hardware.devices import Devices
from lapel.media.aac import FRAME_SAMPLES, SoundFormat
from lapel.media.sound_sources import ToneSource, open_sound
from lapel.media.sound_track import SoundTrack
from lapel.mp4_boxes import extent
from lapel.worker import ThreadWorker
from lapel_fleet.hardware.frame_source import SimulatedFrameSource
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.sound_source import SimulatedSoundSource
from simulated_parts import RecordedIndicators, RecordingLink
from system.brokers import real
from system.played_page import report_of
from system.process import SMALL_SCENE, camera_on, lapel_camera, terminal, until
from system.sounds import sound
from system.videos import captured_s, complaints, film_with_sound, shots

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


def differences_s(video: Path, *, but_not: tuple[float, float] = (0.0, 0.0)) -> list[float]:
    """How much later than the frame the sound is at each frame, in seconds, except between two times."""
    track, now = sound(video), SystemClock().now()
    found = []
    for shot in shots(video):
        within = track.time_within_second(shot.shown_s)
        if within is not None and not but_not[0] <= shot.shown_s <= but_not[1]:
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
    track = sound(video)
    assert track.start_s < 0.03
    assert abs(int(np.argmax(abs(track.samples) > 0.05)) / track.rate_hz - begins_s) < 0.1
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


async def test_a_file_keeps_its_sound(tmp_path: Path) -> None:
    film = film_with_sound(tmp_path / "film.mp4", 6)
    with terminal() as keys, camera_on(keys, tmp_path, "--video", film, "--prebuffer", "2") as cam:
        await keys.shows("BUFFERING.* fps")
        await asyncio.sleep(1)
        keys.type(" ")
        assert await cam.ends() == 0
    clip = the_clip(tmp_path)
    found = differences_s(clip / "video.mp4")
    assert len(found) > 80
    assert max(map(abs, found)) < IN_STEP_S, f"{min(found):.3f} to {max(found):.3f} s"
    assert complaints(clip / "video.mp4") == ""
    assert account(clip)["audio_gaps"] == []


async def test_a_stream_keeps_its_sound(tmp_path: Path) -> None:
    film = film_with_sound(tmp_path / "film.mkv", 8)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}/live"
    server = subprocess.Popen(
        [real("ffmpeg"), "-v", "error", "-re", "-i", film, "-c", "copy", "-f", "mpegts", "-listen", "1", address],
        stdin=subprocess.DEVNULL,
    )
    try:
        await record_until_lost(tmp_path, address)
    finally:
        server.kill()
        server.wait()
    found = differences_s(the_clip(tmp_path) / "video.mp4")
    assert len(found) > 60
    for part in (found[:20], found[-20:]):  # frames have the times of their arrival, which are uneven
        assert abs(median(part)) < IN_STEP_S, f"{min(found):.3f} to {max(found):.3f} s"


async def record_until_lost(folder: Path, address: str) -> None:
    with terminal(columns=200) as keys, camera_on(keys, folder, "--video", address, "--prebuffer", "2") as cam:
        await keys.shows("BUFFERING.* fps")
        await asyncio.sleep(1)
        keys.type(" ")
        await keys.shows("no video")
        keys.type(" ")
        await keys.shows("saved ")
        keys.type("q")
        assert await cam.ends() == 0


def the_clip(folder: Path) -> Path:
    """The only clip; it has sound."""
    store = EvidenceStore(folder / "evidence")
    (clip,) = [store.root / one.recording for one in store.listing()]
    assert account(clip)["audio"]
    return clip


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


def test_the_alsa_path_by_a_plug_in_of_alsa_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sound card exists in CI. ALSA's `file` plug-in delivers a file, though not at the pace of a card."""
    form, clock = SoundFormat(), SystemClock()
    seconds = np.arange(form.rate_hz) / form.rate_hz
    (tmp_path / "in.raw").write_bytes((9000 * np.sin(2 * np.pi * 440 * seconds)).astype("<i2").tobytes())
    (tmp_path / "asoundrc").write_text(
        "pcm.!default {\n type file\n slave.pcm { type null }\n file /dev/null\n format raw\n"
        f' infile "{tmp_path}/in.raw"\n}}\n'
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"{tmp_path}/asoundrc")
    microphone = open_sound("default", form, clock, sleep)
    assert microphone is not None
    microphone.open()
    chunks = [microphone.read() for _ in range(12)]
    microphone.close()
    samples = np.concatenate([chunk.samples for chunk in chunks], axis=1)[0]
    loudest = np.argmax(np.abs(np.fft.rfft(samples))) * form.rate_hz / samples.size
    assert abs(loudest - 440) < 5
    assert [chunk.arrived_s for chunk in chunks] == sorted(chunk.arrived_s for chunk in chunks)


def tone_heard_by(microphone: SimulatedMicrophone, clock: SystemClock) -> SoundTrack:
    source = SimulatedSoundSource(ToneSource(SoundFormat(), clock, sleep), microphone, clock)
    return SoundTrack(source, SoundFormat(), clock)


class RecordingCamera:
    """A camera in this process, whose microphone and video source can fail."""

    def __init__(self, folder: Path, max_clip_s: float = 600) -> None:
        clock, self.folder = SystemClock(), folder
        settings = load(
            flags={
                ("video", "source"): "scene", ("video", "width"): 320, ("video", "height"): 180,
                ("video", "bitrate_bps"): 500_000, ("prebuffer", "length_s"): 1, ("recording", "min_free_bytes"): 0,
                ("audio", "source"): "tone", ("link", "telemetry_s"): 1, ("recording", "max_clip_s"): max_clip_s,
            }
        )  # fmt: skip
        self.microphone = SimulatedMicrophone(clock)
        self.video = SimulatedFrameSource(source_of(settings, clock))
        self.link, self._store, self._worker = RecordingLink(), EvidenceStore(folder, 0), ThreadWorker()
        footage = live_footage(settings, self.video, clock, random.Random(1), tone_heard_by(self.microphone, clock))
        self.camera = Camera(
            settings, clock=clock, footage=footage, storage=self._store, worker=self._worker, link=self.link,
            rng=random.Random(1), session="s", devices=Devices(RecordedIndicators()),
        )  # fmt: skip

    async def __aenter__(self) -> "RecordingCamera":
        """With a recording under way."""
        self._running = asyncio.create_task(self.camera.run())
        await until(lambda: self.camera.status().footage.buffered_s > 0.5, lambda: "no frames")
        self.camera.press()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.camera.shut_down("over")
        await self._running
        self._worker.close()
        self._store.close()

    async def has_flag(self, flag: str, *, is_set: bool = True) -> None:
        await until(lambda: (flag in self.camera.status().flags) == is_set, lambda: f"{self.camera.status().flags}")

    def clips(self) -> list[Path]:
        """In their order."""
        folders = [path for path in self.folder.iterdir() if not path.name.startswith(".")]
        return sorted(folders, key=lambda folder: str(account(folder)["start_time"]))


async def test_an_unplugged_microphone_is_a_gap_of_sound_only(tmp_path: Path) -> None:
    async with RecordingCamera(tmp_path) as on:
        await asyncio.sleep(3)
        on.microphone.unplug()
        await on.has_flag("microphone-lost")
        await until(lambda: on.link.events("microphone-lost"), lambda: "no event")
        await asyncio.sleep(1.5)
        on.microphone.plug_in()
        await on.has_flag("microphone-lost", is_set=False)
        await until(lambda: on.link.events("microphone-restored"), lambda: "no event")
        await asyncio.sleep(2)
    (clip,) = on.clips()
    about = account(clip)
    (gap,) = [one for one in about["audio_gaps"] if one["reason"] == "tone: unplugged"]
    others_s = sum(one["duration_s"] for one in about["audio_gaps"] if one is not gap)
    assert others_s < 0.5, about["audio_gaps"]  # a busy machine may get no sound for a moment
    assert about["gaps"] == []
    assert gap["reason"] == "tone: unplugged"
    assert 1.5 < gap["duration_s"] < 6
    assert complaints(clip / "video.mp4") == ""
    edges = gap["start_s"] - 0.1, gap["start_s"] + gap["duration_s"] + 0.1
    found = differences_s(clip / "video.mp4", but_not=edges)
    assert len(found) > 60
    assert max(map(abs, found)) < IN_STEP_S
    track = sound(clip / "video.mp4")
    in_the_gap = track.samples[round((gap["start_s"] + 0.1) * 48_000) : round((gap["start_s"] + 1.2) * 48_000)]
    assert abs(in_the_gap).max() == 0


async def test_a_mute_is_digital_silence_between_sound_that_is_in_step(tmp_path: Path) -> None:
    async with RecordingCamera(tmp_path) as on:
        await asyncio.sleep(1.5)
        assert on.camera.mute("private") is None
        await on.has_flag("muted")
        await asyncio.sleep(1.5)
        assert on.camera.unmute() is None
        await on.has_flag("muted", is_set=False)
        await asyncio.sleep(1.5)
    (clip,) = on.clips()
    (mute,) = account(clip)["mutes"]
    assert (mute["end_s"] - mute["start_s"], account(clip)["audio_gaps"]) == (pytest.approx(1.5, abs=0.3), [])
    samples = sound(clip / "video.mp4").samples
    begin, end = (round(mute[key] * 48_000) for key in ("start_s", "end_s"))
    frame = FRAME_SAMPLES  # two clocks are rounded: the account has milliseconds
    assert abs(samples[begin + 48 : end - 48]).max() == 0
    assert abs(samples[begin - 3 * frame : begin - 2 * frame]).max() > 0.2
    assert abs(samples[end + 2 * frame : end + 3 * frame]).max() > 0.2
    found = differences_s(clip / "video.mp4", but_not=(mute["start_s"] - 0.1, mute["end_s"] + 0.1))
    assert len(found) > 40
    assert max(map(abs, found)) < IN_STEP_S
    assert complaints(clip / "video.mp4") == ""


async def test_sound_goes_on_in_step_where_the_video_pauses_and_in_linked_clips(tmp_path: Path) -> None:
    async with RecordingCamera(tmp_path, max_clip_s=5) as on:
        await asyncio.sleep(1.5)
        on.video.unplug()
        await on.has_flag("source-lost")
        await asyncio.sleep(1.0)
        on.video.plug_in()
        await on.has_flag("source-lost", is_set=False)
        await asyncio.sleep(3.5)
    clips = on.clips()
    assert len(clips) >= 2
    (gap,) = account(clips[0])["gaps"]
    for clip in clips[:2]:
        assert account(clip)["audio_gaps"] == []
        assert complaints(clip / "video.mp4") == ""
        found = differences_s(clip / "video.mp4")
        assert len(found) > 20
        assert max(map(abs, found)) < IN_STEP_S
    during = slice(*(round(at_s * 48_000) for at_s in (gap["start_s"], gap["start_s"] + gap["duration_s"])))
    loud = abs(sound(clips[0] / "video.mp4").samples[during]) > 0.01
    assert loud.mean() > 0.9


async def test_a_silent_microphone_is_noticed() -> None:
    clock = SystemClock()
    microphone = SimulatedMicrophone(clock)
    track = tone_heard_by(microphone, clock)
    track.start()
    try:
        await until(lambda: track.status.rms_dbfs > -20, lambda: f"{track.status}")
        assert track.status.silent_s == 0
        microphone.fall_silent()
        await until(lambda: track.status.silent_s > 1.5, lambda: f"{track.status}")
        assert track.status.rms_dbfs == -120
    finally:
        await asyncio.to_thread(track.stop, 5)


PAGE = """<!doctype html><body><video id="v" src="video.mp4" muted></video><script>
const REPORT = "http://127.0.0.1:%d/?";
const v = document.getElementById("v"), seen = [];
const heard = () => v.webkitAudioDecodedByteCount, shown = () => v.webkitDecodedFrameCount;
v.onerror = () => done({error: v.error.message});
function done(result) { new Image().src = REPORT + encodeURIComponent(JSON.stringify(result)); }
async function at(s) {
  await new Promise(next => { v.onseeked = next; v.currentTime = s; });
  const sound = heard(), frames = shown();
  await v.play();
  await new Promise(next => setTimeout(next, 600));
  v.pause();
  seen.push([s, heard() - sound, shown() - frames]);
}
v.onloadeddata = async () => {
  for (const s of [3, 1, 4.5]) await at(s);
  done({duration: v.duration, seen});
};
</script></body>"""


async def test_a_browser_plays_and_seeks_it_with_sound(tmp_path: Path) -> None:
    (clip,) = await recorded(tmp_path, *FLAGS)
    played = json.loads(await report_of(clip / "page.html", PAGE, tmp_path / "profile"))
    assert abs(played["duration"] - account(clip)["duration_s"]) < 0.1
    sound_bytes = {at: sound for at, sound, _ in played["seen"]}
    assert all(frames > 5 for *_, frames in played["seen"])
    assert sound_bytes[3] > 1000
    assert sound_bytes[4.5] > 1000
