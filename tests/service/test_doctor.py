from pathlib import Path

import pytest

from lapel.config import Config, load
from lapel.service.doctor import Finding, examine
from lapel.service.installation import UNIT
from lapel.service.system import System


def findings(tmp_path: Path, **flags: object) -> list[Finding]:
    (tmp_path / "root").mkdir()
    evidence = {("recording", "evidence"): "/evidence"}
    config = load(flags={**evidence, **{tuple(key.split("__")): value for key, value in flags.items()}})  # type: ignore[misc]
    return [*examine(config, System(tmp_path / "root"))]


def test_a_laptop_with_a_drawn_scene_can_record(tmp_path: Path) -> None:
    found = findings(tmp_path, video__source="scene")
    assert [one for one in found if one.level == "error"] == []
    assert any("video encoder libx264" in one.what for one in found)
    assert any(one.remedy == "lapel-camera install" for one in found)


@pytest.mark.parametrize(
    ("flags", "what", "remedy"),
    [
        ({"video__source": "/dev/video97"}, "/dev/video97: no such device", "plugged in"),
        ({"video__source": "rpicam"}, "rpicam-vid is not installed", "rpicam-apps"),
        ({"video__source": "missing.mp4"}, "missing.mp4: no such file", "[video]"),
        ({"pi__battery": "ina219", "pi__i2c_bus": "19"}, "/dev/i2c-19: no such device", "raspi-config"),
        ({"pi__event_button": "17"}, "/dev/gpiochip0: no such device", "Raspberry Pi"),
        ({"recording__evidence": "/missing/folder/evidence"}, "does not exist", "mount"),
    ],
)
def test_each_thing_that_is_missing_has_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: dict[str, str], what: str, remedy: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    errors = [one for one in findings(tmp_path, **flags) if one.level == "error"]
    assert any(what in one.what and remedy in one.remedy for one in errors), errors


def test_the_boards_complaints_and_the_serial_line_are_looked_at(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.write("/sys/devices/platform/soc/soc:firmware/get_throttled", "1\n")
    system.write("/boot/firmware/cmdline.txt", "console=serial0,115200 rootwait\n")
    system.write(UNIT, "ExecStart=x run --console /dev/ttyAMA0\n")
    lines = [str(one) for one in examine(Config(), system)]
    assert any("undervoltage; use a stronger supply" in line for line in lines)
    assert any("the kernel logs to the serial line; run `lapel-camera install` again" in line for line in lines)
    assert any("does not start with the board" in line for line in lines)


def test_a_camera_module_without_an_event_button_is_noticed(tmp_path: Path) -> None:
    found = findings(tmp_path, video__source="rpicam")
    assert any(one.what == "no event button" and "event_button = 17" in one.remedy for one in found)


def test_copied_video_needs_a_camera_with_h264(tmp_path: Path) -> None:
    config = load(flags={("video", "source"): "/dev/video0", ("video", "codec"): "copy"})
    found = [*examine(config, System(tmp_path), list_formats=lambda _: ["MJPG", "YUYV"])]
    assert any("/dev/video0: has no H.264, only MJPG, YUYV" in one.what and one.level == "error" for one in found)
