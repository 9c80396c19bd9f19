"""`lapel-camera run` as a process: repeated signals, an unconfirmed change without a console, the host's time zone."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from lapel.clock import SystemClock, system_time_zone
from lapel.console.candidate import UnconfirmedChange
from lapel.evidence.store import EvidenceStore
from system.process import SMALL_SCENE, camera, camera_on, terminal


async def test_a_second_sigterm_prints_nothing(tmp_path: Path) -> None:
    with camera(tmp_path, *SMALL_SCENE, "--prebuffer", "2") as cam:
        await cam.prints("buffering")
        await cam.takes(signal.SIGTERM)
        cam.send_signal(signal.SIGTERM)
        cam.send_signal(signal.SIGINT)  # another number, so that the kernel does not merge it with the first
        assert await cam.ends() == 0
        assert (cam.out.splitlines(), cam.err) == (["booting", "buffering", "off", "ended by SIGTERM"], "")


async def test_a_recording_has_the_models_name_and_the_hosts_time_zone(tmp_path: Path) -> None:
    config = tmp_path / "camera.toml"
    config.write_text('[camera]\nmodel = "Acme BW-3"\n')
    with terminal(columns=120) as keys:
        with camera_on(keys, tmp_path, *SMALL_SCENE, "--config", config, "--prebuffer", "20") as cam:
            await keys.shows("BUFFERING  buffer 1 s")
            keys.type(" ")
            await keys.shows("RECORDING  1 s since the press")
            keys.type("q")
            assert await cam.ends() == 0
    (account,) = EvidenceStore(tmp_path / "evidence").listing()
    assert (account.model, account.time_zone) == ("Acme BW-3", system_time_zone())
    assert account.clock_quality_end == SystemClock().quality()
    assert (account.position_start, account.position_end) == (None, None)
    assert (account.prebuffer_shortfall or "").endswith("when the camera was switched on or its firmware started")


@pytest.mark.parametrize(
    ("variable", "zone"), [("America/New_York", "America/New_York"), (":Europe/Berlin", "Europe/Berlin")]
)
def test_the_time_zone_is_the_one_that_the_host_is_set_to(variable: str, zone: str) -> None:
    program = "from lapel.clock import system_time_zone; print(system_time_zone())"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"TZ": variable}, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == zone


async def test_an_unconfirmed_change_is_announced_without_a_console_and_ends_cleanly(tmp_path: Path) -> None:
    state = tmp_path / "evidence" / ".lapel"
    state.mkdir(parents=True)
    now = SystemClock().now().utc
    change = UnconfirmedChange(undo={"prebuffer": {"length_s": 3}}, deadline=now + timedelta(hours=1), within_s=3600)
    (state / "unconfirmed.json").write_bytes(msgspec.json.encode(change))
    with camera(tmp_path, *SMALL_SCENE, "--prebuffer", "2") as cam:
        await cam.prints("the last change of the configuration was not confirmed; it will be reverted")
        await cam.prints("buffering")
        await asyncio.sleep(0.5)
        cam.send_signal(signal.SIGTERM)
        assert (await cam.ends(), cam.err) == (0, "")
