"""The machine and the software of a run of the benchmarks."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import av

import lapel
from lapel.clock import SystemClock, iso
from lapel_fleet.broker.embedded import mosquitto_path

_COMMANDS = {"ffmpeg": ("ffmpeg", "-version"), "motion": ("motion", "-h"), "mosquitto": (mosquitto_path(), "-h")}


def machine() -> dict[str, str]:
    """What the figures depend on, by name."""
    return {
        "date": iso(SystemClock().now().utc)[:10],
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "system": _system(),
        "Python": platform.python_version(),
        "Lapel": lapel.__version__,
    }


def versions() -> dict[str, str]:
    """Of the peers, and of what both sides use."""
    libraries = ", ".join(
        f"{name} {'.'.join(map(str, number))}" for name, number in sorted(av.library_versions.items())
    )
    packages = {name: _package(name) for name in ("aiomqtt", "gmqtt", "paho-mqtt", "msgspec", "opencv-python-headless")}
    commands = {name: _command(*command) for name, command in _COMMANDS.items()}
    return {**commands, **packages, "PyAV": f"{av.__version__} ({libraries})"}


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def _system() -> str:
    found = re.search(r'^PRETTY_NAME="(.*)"$', Path("/etc/os-release").read_text(), re.MULTILINE)
    return found[1] if found else platform.system()


def _command(name: str | None, option: str) -> str:
    """The version in the first line that the command prints."""
    if name is None or shutil.which(name) is None:
        return "not installed"
    done = subprocess.run([name, option], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    found = re.search(r"(?i)version\s+([\w.+~-]+)", done.stdout + done.stderr)
    return found[1] if found else "unknown"


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
