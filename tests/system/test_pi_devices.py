"""A camera with the devices of a Raspberry Pi, on gpiozero's mock pins: this machine has no others."""

import signal
from pathlib import Path

import pytest

from system.process import SMALL_SCENE, camera, lapel_camera


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
