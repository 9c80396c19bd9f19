"""`lapel-camera run` as its users meet it: a process, a broker, a terminal, files on a disk."""

import asyncio
import signal
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from lapel.clock import Instant, SystemClock
from lapel.evidence.store import EvidenceStore
from lapel.recording import Account, Cause
from lapel_fleet.broker.embedded import embedded_broker
from system.brokers import real
from system.process import SMALL_SCENE, camera, camera_on, fleet, terminal, until
from system.videos import SCENE_FPS, captured_s, complaints, film, length_s, shots

FRAME_S = 1 / SCENE_FPS
GOP_S = 1.0


def only_account(store: EvidenceStore) -> Account:
    (account,) = store.listing()
    return account


def mono_s(utc: str, environment: Instant) -> float:
    """A moment of the wall clock on the monotonic line."""
    return environment.mono_s + (datetime.fromisoformat(utc) - environment.utc).total_seconds()


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


async def test_a_start_command_records_from_before_it_and_a_killed_camera_leaves_its_will(tmp_path: Path) -> None:
    real("mosquitto")
    video = film(tmp_path / "street.mp4", 60)
    who = ("--agency", "demo", "--site", "baltimore", "--camera", "cam-0001")
    async with embedded_broker() as broker:
        link = ("--broker", broker.url, "--telemetry", "1", *who)
        with camera(tmp_path, "--video", video, "--loop", "--prebuffer", "10", *link) as cam:
            await cam.prints("link up")
            with fleet(tmp_path, broker.port, "lapel/v1/demo/baltimore/cam-0001") as operator:
                birth = await operator.receives("state", retained=True)
                assert birth.keys() >= {"state", "camera", "session", "time"}

                def buffered_s() -> float:
                    return max((one["buffered_s"] for one in operator.received("telemetry")), default=0.0)

                await until(lambda: buffered_s() >= 10.0, lambda: f"only {buffered_s()} s were ever buffered")
                operator.command("start-recording", "go")
                started = await operator.receives("reply", id="go", result="done")
                assert (started["result"], started["state"]) == ("done", "recording")
                await operator.receives("state", state="recording", recording=started["recording"])
                await asyncio.sleep(5)
                operator.command("stop-recording", "enough")
                stopped = await operator.receives("reply", id="enough", result="done")
                await operator.receives("event", kind="recording-saved")
                cam.kill()
                will = await operator.receives("state", state="offline")
                assert (will["session"], will.get("time")) == (birth["session"], None)
    store = EvidenceStore(tmp_path / "evidence")
    account, recorded = only_account(store), store.video(started["recording"])
    wanted_s = 10 + seconds_between(account.trigger_time, stopped["time"])
    assert wanted_s >= 15 - FRAME_S
    assert wanted_s - GOP_S / 2 <= length_s(recorded) <= wanted_s + GOP_S + FRAME_S
    assert (account.prebuffer_shortfall, account.gaps, account.start.command) == (None, [], "go")
    assert complaints(recorded) == ""


async def test_a_press_records_every_frame_from_before_it_at_its_capture_time(tmp_path: Path) -> None:
    with terminal() as keys:
        flags = ("--video", "scene", "--width", "640", "--height", "360", "--bitrate", "2000000", "--prebuffer", "10")
        with camera_on(keys, tmp_path, *flags) as cam:
            await keys.shows("buffer 10 s")
            pressed = SystemClock().now()
            keys.type(" ")
            await keys.shows("RECORDING  3 s since the press")
            keys.type(" ")
            await keys.shows("saved ")
            keys.type("q")
            assert await cam.ends() == 0
    store = EvidenceStore(tmp_path / "evidence")
    account = only_account(store)
    recorded = shots(store.video(account.recording))
    trigger_s, first_s = mono_s(account.trigger_time, pressed), captured_s(recorded[0].number, pressed)
    assert trigger_s >= pressed.mono_s - 0.002
    assert trigger_s - 10 - GOP_S - FRAME_S <= first_s <= trigger_s - 10 + 0.002
    assert abs(mono_s(account.start_time or "", pressed) - first_s) < FRAME_S
    assert (account.prebuffer_actual_s >= 10, account.prebuffer_shortfall) == (True, None)
    assert sum(later.number - earlier.number - 1 for earlier, later in pairwise(recorded)) == account.dropped_frames
    assert len(recorded) == account.frames
    assert max(abs(shot.shown_s - (captured_s(shot.number, pressed) - first_s)) for shot in recorded) < FRAME_S
    assert complaints(store.video(account.recording)) == ""


async def test_sigterm_finishes_the_recording_publishes_offline_and_leaves_nothing_open(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        with fleet(tmp_path, broker.port) as operator:
            with camera(tmp_path, *SMALL_SCENE, "--prebuffer", "2", "--broker", broker.url) as cam:
                await operator.receives("state", state="buffering")
                await asyncio.sleep(1)
                operator.command("start-recording", "go")
                await operator.receives("event", kind="prebuffer-saved")
                cam.send_signal(signal.SIGTERM)
                assert await cam.ends() == 0
                assert cam.err == ""
                assert cam.out.endswith("ended by SIGTERM\n")
            farewell = await operator.receives("state", state="offline")
            assert (farewell["reason"], "time" in farewell) == ("ended by SIGTERM", True)
            assert operator.received("state")[-1] == farewell
            await operator.receives("event", kind="recording-saved")
    store = EvidenceStore(tmp_path / "evidence")
    account = only_account(store)
    assert (account.status, account.stop) == ("complete", Cause("camera", "ended by SIGTERM"))
    assert len(shots(store.video(account.recording))) == account.frames
    assert complaints(store.video(account.recording)) == ""


async def test_a_terminal_shows_one_live_line_takes_keys_and_is_given_back(tmp_path: Path) -> None:
    with terminal(columns=120) as keys:
        before = keys.settings()
        with camera_on(keys, tmp_path, *SMALL_SCENE, "--prebuffer", "2") as cam:
            await keys.shows("BUFFERING  buffer 2 s, .* fps  .*\\[space\\] record")
            assert keys.settings() != before
            keys.type(" ")
            await keys.shows("RECORDING  1 s since the press")
            keys.type("m ")
            await keys.shows("saved .* from before the press")
            await keys.shows("BUFFERING")
            keys.type("q")
            await keys.shows("ended by the user\r\n$")
            assert await cam.ends() == 0
        assert keys.settings() == before
        assert "Traceback" not in keys.screen
    account = only_account(EvidenceStore(tmp_path / "evidence"))
    assert (account.status, account.start.source, len(account.markers_s)) == ("complete", "button", 1)
