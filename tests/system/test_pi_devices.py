"""A camera with the devices of a Raspberry Pi, on gpiozero's mock pins: this machine has no others."""

import signal
from pathlib import Path

import pytest

from lapel.hardware.trace.format import PinChanged, SoundArrived, read_trace
from system.process import SMALL_SCENE, camera, lapel_camera, until
from trace_player import frame_times_s


def configured(folder: Path, section: str) -> Path:
    file = folder / "camera.toml"
    file.write_text(f"[pi]\n{section}\n")
    return file


async def test_a_camera_runs_with_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    file = configured(
        tmp_path, "event_button = 17\nred_light = 5\ngreen_light = 6\nbuzzer = 13\nholster = 23\nhealth = true"
    )
    with camera(tmp_path, *SMALL_SCENE, "--config", file) as cam:
        await cam.prints("buffering")
        cam.send_signal(signal.SIGTERM)
        assert await cam.ends() == 0
        assert cam.err == ""


async def test_what_its_devices_do_is_traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    file, path = configured(tmp_path, "event_button = 17\nred_light = 5"), tmp_path / "trace.jsonl"
    with camera(tmp_path, *SMALL_SCENE, "--audio", "tone", "--config", file, "--trace-hardware", path) as cam:
        await cam.prints("buffering")
        await until(lambda: path.read_text().count('"frames"') >= 2, lambda: path.read_text())
        cam.send_signal(signal.SIGTERM)
        assert await cam.ends() == 0
        assert cam.err == ""
    trace = read_trace(path)
    assert trace.header.devices | {"event_button": 17, "video": "scene", "sound": "tone"} == trace.header.devices
    assert [one.closed for one in trace.happenings if isinstance(one, PinChanged)] == [False]
    times_s = frame_times_s(trace.happenings)
    assert times_s == sorted(times_s)
    assert 20 <= len(times_s) / (times_s[-1] - times_s[0]) <= 31
    (rate,) = {one.rate_hz for one in trace.happenings if isinstance(one, SoundArrived)}
    assert rate == 48_000


def test_a_trace_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text("mine")
    ended = lapel_camera("run", *SMALL_SCENE, "--evidence", tmp_path / "evidence", "--trace-hardware", path)
    assert (ended.returncode, path.read_text()) == (2, "mine")
    assert ended.stderr == f"lapel-camera: {path}: exists already; name a new file for the trace\n"


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("event_button = 17", "no pins that can be used"),
        ('battery = "ina219"\ni2c_bus = 19', "/dev/i2c-19: cannot be opened"),
        ("event_button = 28", "event_button = 28"),
    ],
)
def test_a_machine_without_such_devices_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, why: str
) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    file = configured(tmp_path, section)
    ended = lapel_camera("run", *SMALL_SCENE, "--config", file, "--evidence", tmp_path / "evidence")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
    assert why in ended.stderr
