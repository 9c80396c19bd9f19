"""What is missing or misconfigured on a machine that is to be a camera, and how to mend it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from lapel.clock import SystemClock
from lapel.config import Config
from lapel.errors import LapelError
from lapel.hardware.pi.board_health import BoardHealth
from lapel.media.v4l2_formats import formats_of, without_h264
from lapel.service.installation import CONFIG, UNIT, WANTED, without_serial_console
from lapel.service.system import System

Level = Literal["ok", "warning", "error"]
_LITTLE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    remedy: str = ""
    """What to do about it; empty where nothing is wrong."""

    def __str__(self) -> str:
        return f"{self.level:<8}{self.what}" + (f"; {self.remedy}" if self.remedy else "")


def examine(config: Config, system: System, list_formats: Callable[[str], list[str]] = formats_of) -> Iterator[Finding]:
    """Look at everything that this configuration needs. Changes nothing; starts no camera.

    `list_formats`: the formats of a V4L2 device.
    """
    yield _python()
    yield from _video(config, list_formats)
    yield from _storage(config, system)
    yield from _board(config, system)
    yield from _serial_line(system)
    yield from _service(system)
    yield _clock()


def _python() -> Finding:
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding("ok", version)
    return Finding("error", version, "Lapel needs 3.11 to 3.13")


def _video(config: Config, list_formats: Callable[[str], list[str]]) -> Iterator[Finding]:
    source = config.video.source
    if source.startswith("rpicam"):
        yield _command("rpicam-vid", "install rpicam-apps-lite")
        if shutil.which("rpicam-hello"):
            yield _camera_modules()
    elif source.isdecimal() or source.startswith("/dev/"):
        device = f"/dev/video{source}" if source.isdecimal() else source
        yield _device(device, "video", "is the camera plugged in? `v4l2-ctl --list-devices` lists those that are")
        if config.video.codec == "copy" and (problem := without_h264(list_formats(device))):
            yield Finding("error", f"{device}: {problem}")
    elif source == "scene":
        yield Finding("warning", "the video source is `scene`, a drawn street", "choose a camera: `source` in [video]")
    elif "://" in source:
        yield Finding("ok", f"the video comes from {source.split('://')[0]}")
    elif not Path(source).is_file():
        yield Finding("error", f"{source}: no such file", "correct `source` in [video]")
    yield _encoder(config)


def _camera_modules() -> Finding:
    listed = subprocess.run(
        ["rpicam-hello", "--list-cameras"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    if "Available cameras" in listed.stdout:
        return Finding("ok", "a camera module is there")
    return Finding("error", "no camera module was found", "check its cable, contacts towards the connector's pins")


def _encoder(config: Config) -> Finding:
    """Whether the encoder works; with the small frames of this test it takes a tenth of a second."""
    if config.video.codec == "copy":
        return Finding("ok", 'the camera encodes (codec = "copy")')
    try:
        from lapel.media.encoder import EncoderSettings, open_codec

        _, name, fallback = open_codec(EncoderSettings(codec=config.video.codec), 640, 480)
    except (LapelError, ImportError) as error:
        return Finding(
            "error", f"no video encoder: {error}", "install Lapel again: pip install --force-reinstall lapel"
        )
    if fallback is not None and config.video.codec == "h264_v4l2m2m":
        return Finding("warning", f"video encoder {name}: {fallback}", 'codec = "auto" in [video]')
    return Finding("ok", f"video encoder {name}")


def _storage(config: Config, system: System) -> Iterator[Finding]:
    evidence = Path(config.recording.evidence)
    folder = system.path(str(evidence)) if evidence.is_absolute() else evidence.absolute()
    existing = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    if existing not in (folder, folder.parent):
        yield Finding("error", f"{folder}: {folder.parent} does not exist", "mount the storage, or correct `evidence`")
        return
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            "error",
            f"{existing}: cannot be written by this user",
            f"for an installed camera use sudo; else give it to this user: chown {os.getuid()} {existing}",
        )
        return
    free = shutil.disk_usage(existing).free
    text = f"{folder}: {free / 1e9:.1f} GB free"
    little = free < max(config.recording.min_free_bytes, _LITTLE_BYTES)
    yield Finding("warning", text, "that is less than half an hour at 8 Mb/s") if little else Finding("ok", text)
    if existing.stat().st_dev == Path("/").stat().st_dev:
        yield Finding(
            "warning",
            "recordings are on the system's partition",
            "a full one disturbs the system: give them a partition of their own",
        )


def _board(config: Config, system: System) -> Iterator[Finding]:
    if config.pi.pins():
        yield _module("gpiozero", "pip install 'lapel[pi]'")
        yield _device("/dev/gpiochip0", "gpio", "is this a Raspberry Pi?")
    if config.video.source.startswith("rpicam") and config.pi.event_button < 0:
        yield Finding(
            "warning",
            "no event button",
            f"name its pin in {CONFIG}: `event_button = 17` in [pi], and restart the service",
        )
    if config.pi.battery != "none":
        yield _device(f"/dev/i2c-{config.pi.i2c_bus}", "i2c", "switch I2C on: raspi-config nonint do_i2c 0")
    if config.pi.gpsd:
        yield _gpsd()
    health = BoardHealth(system.path("/sys"))
    temperature_c = health.temperature_c()
    for flag in health.flags():
        yield Finding(
            "warning", f"the board reports: {flag}", "use a stronger supply" if flag == "undervoltage" else "cool it"
        )
    if temperature_c is not None and not health.flags():
        yield Finding("ok", f"the board has {temperature_c:.0f} °C")


def _gpsd() -> Finding:
    try:
        socket.create_connection(("127.0.0.1", 2947), 2.0).close()
    except OSError as error:
        return Finding("error", f"gpsd does not answer: {error}", "apt-get install gpsd; systemctl enable --now gpsd")
    return Finding("ok", "gpsd answers")


def _serial_line(system: System) -> Iterator[Finding]:
    unit = system.read(UNIT)
    cmdline = system.read("/boot/firmware/cmdline.txt")
    if " --console /dev/" in unit and without_serial_console(cmdline).split() != cmdline.split():
        yield Finding("error", "the kernel logs to the serial line", "run `lapel-camera install` again, and reboot")


def _service(system: System) -> Iterator[Finding]:
    if not system.read(UNIT):
        yield Finding("warning", "not installed as a service", "lapel-camera install")
    elif not system.path(WANTED).is_symlink():
        yield Finding("warning", "the service does not start with the board", "systemctl enable lapel-camera")
    elif system.is_running and not system.succeeds("systemctl", "is-active", "--quiet", "lapel-camera.service"):
        yield Finding("error", "the service is not running", "journalctl -u lapel-camera -n 20")
    else:
        yield Finding("ok", "installed as a service")


def _clock() -> Finding:
    quality = SystemClock().quality()
    if quality == "synced":
        return Finding("ok", "the clock is synced")
    return Finding(
        "warning",
        f"the clock is {quality}: no time service keeps it right",
        "recordings say so, and none is deleted; systemctl enable --now systemd-timesyncd (or chrony, with `rtcsync`)",
    )


def _command(name: str, remedy: str) -> Finding:
    return Finding("ok", name) if shutil.which(name) else Finding("error", f"{name} is not installed", remedy)


def _module(name: str, remedy: str) -> Finding:
    return Finding("ok", name) if find_spec(name) else Finding("error", f"{name} is not installed", remedy)


def _device(path: str, group: str, remedy: str) -> Finding:
    if not Path(path).exists():
        return Finding("error", f"{path}: no such device", remedy)
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding("error", f"{path}: may not be used by this user", f"usermod -aG {group} USER, and log in again")
    return Finding("ok", path)
