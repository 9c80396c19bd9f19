"""The steps of `lapel-camera install`: each knows whether it is done, how it is done, and how it is undone."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from lapel import config
from lapel.service.answers import Answers
from lapel.service.system import System

USER, HOME, CONFIG = "lapel", "/var/lib/lapel", "/etc/lapel/camera.toml"
UNIT = "/etc/systemd/system/lapel-camera.service"
WANTED = "/etc/systemd/system/multi-user.target.wants/lapel-camera.service"
RECORD = "/etc/lapel/installed.json"
GROUPS = ("video", "render", "audio", "gpio", "i2c", "dialout")
"""Groups that may use a camera's devices; each system has some of them."""
_CMDLINE, _BOOT_CONFIG = "/boot/firmware/cmdline.txt", "/boot/firmware/config.txt"
_UART_ON = "enable_uart=1"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the installation changes."""

    name: str
    what: str
    is_done: Callable[[], bool]
    do: Callable[[], object]
    undo: Callable[[], object]


class Record:
    """What the installation has done, so that removing it undoes that and no more."""

    def __init__(self, system: System) -> None:
        self._system = system
        text = system.read(RECORD)
        self._done: dict[str, str] = json.loads(text) if text else {}

    def __contains__(self, step: str) -> bool:
        return step in self._done

    def note(self, step: str, detail: str = "") -> None:
        """`step` was done; `detail` is what its undoing needs."""
        self._done[step] = detail
        self._system.write(RECORD, json.dumps(self._done, indent=2) + "\n")

    def detail(self, step: str) -> str:
        """What was noted with it."""
        return self._done.get(step, "")


def install(system: System, answers: Answers, command: str, *, dry_run: bool) -> Iterator[str]:
    """Do what is not done yet; yields a line for each step. `command`: the path of `lapel-camera` there."""
    record = Record(system)
    for step in steps(system, answers, command, record):
        if step.is_done():
            yield f"have   {step.what}"
        elif dry_run:
            yield f"would  {step.what}"
        else:
            step.do()
            if step.name not in record:
                record.note(step.name)
            yield f"done   {step.what}"


def uninstall(system: System, *, dry_run: bool) -> Iterator[str]:
    """Undo what was installed, last step first. Recordings, and the keys that they are checked with, stay."""
    record = Record(system)
    for step in reversed(steps(system, Answers(), "", record)):
        if step.name not in record:
            continue
        if not dry_run:
            step.undo()
        yield f"{'would' if dry_run else 'done'}   undo: {step.what}"
    if not dry_run:
        system.remove(RECORD)
        _remove_if_empty(system, "/etc/lapel")


def steps(system: System, answers: Answers, command: str, record: Record) -> list[Step]:
    """All steps, in order. Raises ConfigError for an answer that no camera can use."""
    return [
        *_packages(system, answers, record),
        _user(system),
        Step(
            "folder",
            f"{HOME}, for recordings",
            is_done=lambda: system.path(HOME).is_dir(),
            do=lambda: _make_home(system),
            undo=lambda: _remove_home(system),
        ),
        _configuration_file(system, configuration(answers)),
        *_unit(system, answers, command),
        *_serial_line(system, answers, record),
    ]


def _user(system: System) -> Step:
    options = ("--system", "--user-group", "--home-dir", HOME, "--shell", "/usr/sbin/nologin")
    return Step(
        "user",
        f"user {USER}",
        is_done=lambda: system.has_user(USER),
        do=lambda: system.run("useradd", *options, USER),
        undo=lambda: system.run("userdel", USER),
    )


def _configuration_file(system: System, text: str) -> Step:
    return Step(
        "configuration",
        CONFIG,
        is_done=lambda: bool(system.read(CONFIG)),
        do=lambda: system.write(CONFIG, text),
        undo=lambda: system.remove(CONFIG),
    )


def configuration(answers: Answers) -> str:
    """The camera's configuration file. Raises ConfigError for an answer that no camera can use."""
    sections: dict[str, dict[str, config.Scalar]] = {
        "camera": {"agency": answers.agency, "site": answers.site, "name": answers.camera},
        "video": {"source": answers.video},
        "recording": {"evidence": f"{HOME}/evidence"},
        "link": {"broker": answers.broker} if answers.broker else {},
        "pi": {"health": True, **({"gpsd": True} if answers.gpsd else {})},
    }
    config.changed(config.Config(), sections, "install")
    lines = ["# Every key, with its default: lapel-camera config --example"]
    for name, keys in sections.items():
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())] if keys else []
    return "\n".join(lines) + "\n"


def unit_file(system: System, answers: Answers, command: str) -> str:
    """The service's unit file for that system."""
    groups = " ".join(group for group in GROUPS if group in system.groups())
    console = f" --console {answers.console}" if answers.console else ""
    text = files("lapel.service").joinpath("lapel-camera.service").read_text(encoding="utf-8")
    return text.replace("{command}", command).replace("{console}", console).replace("{groups}", groups)


def _packages(system: System, answers: Answers, record: Record) -> Iterator[Step]:
    wanted = {"rpicam-apps-lite": answers.video.startswith("rpicam"), "gpsd": answers.gpsd}
    for package, is_wanted in wanted.items():
        if is_wanted or f"package {package}" in record:
            yield _package(system, package, record)


def _package(system: System, name: str, record: Record) -> Step:
    step = f"package {name}"

    def install_it() -> None:
        before = installed_packages(system)
        system.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", name)
        record.note(step, " ".join(sorted(installed_packages(system) - before)))

    def purge() -> None:
        came = record.detail(step).split() or [name]
        others = removed_with(system, came) - set(came)  # installed since, and in need of one of them
        system.run("apt-get", "purge", "-y", "-qq", *([name] if others else came))

    return Step(step, step, is_done=lambda: name in installed_packages(system), do=install_it, undo=purge)


def installed_packages(system: System) -> set[str]:
    """The names of the packages that are installed."""
    stanzas = system.read("/var/lib/dpkg/status").split("\n\n")
    lines = [stanza.strip().splitlines()[:2] for stanza in stanzas]
    return {
        first.split()[1] for first, second in (pair for pair in lines if len(pair) == 2) if "ok installed" in second
    }


def removed_with(system: System, packages: Sequence[str]) -> set[str]:
    """The packages that apt would remove together with these."""
    listed = system.output("apt-get", "purge", "-s", *packages).splitlines()
    return {line.split()[1] for line in listed if line.startswith(("Remv ", "Purg "))}


def _unit(system: System, answers: Answers, command: str) -> Iterator[Step]:
    def write() -> None:
        system.write(UNIT, unit_file(system, answers, command))
        if system.is_running:
            system.run("systemctl", "daemon-reload")

    def stop_and_remove() -> None:
        if system.is_running:
            system.run("systemctl", "stop", "lapel-camera.service")
        system.remove(UNIT)

    def start() -> None:
        system.link(WANTED, UNIT)
        if system.is_running:
            system.run("systemctl", "restart", "lapel-camera.service")

    yield Step("unit", UNIT, lambda: system.read(UNIT) == unit_file(system, answers, command), write, stop_and_remove)
    yield Step(
        "start",
        "the camera starts when the board does",
        lambda: system.path(WANTED).is_symlink(),
        start,
        lambda: system.remove(WANTED),
    )


def _serial_line(system: System, answers: Answers, record: Record) -> Iterator[Step]:
    """Free the UART of the kernel's log and the login prompt, and switch it on."""
    if not answers.console.startswith("/dev/") and "login console" not in record:
        return
    device = answers.console.removeprefix("/dev/") or record.detail("login console")
    getty = f"/etc/systemd/system/serial-getty@{device}.service"

    def mask() -> None:
        system.link(getty, "/dev/null")
        record.note("login console", device)

    yield Step(
        "login console",
        f"no login prompt on {device}",
        lambda: system.path(getty).is_symlink(),
        mask,
        lambda: system.remove(getty),
    )
    if not system.read(_CMDLINE) and "kernel log" not in record:
        return
    yield Step(
        "kernel log",
        f"no kernel log on the serial line ({_CMDLINE})",
        lambda: without_serial_console(system.read(_CMDLINE)) == system.read(_CMDLINE),
        lambda: _replace(system, record, "kernel log", _CMDLINE, without_serial_console(system.read(_CMDLINE))),
        lambda: system.write(_CMDLINE, record.detail("kernel log")),
    )
    yield Step(
        "uart",
        f"{_UART_ON} ({_BOOT_CONFIG})",
        lambda: _UART_ON in system.read(_BOOT_CONFIG).splitlines(),
        lambda: system.write(_BOOT_CONFIG, f"{system.read(_BOOT_CONFIG).rstrip()}\n{_UART_ON}\n".lstrip()),
        lambda: system.write(_BOOT_CONFIG, system.read(_BOOT_CONFIG).replace(f"{_UART_ON}\n", "")),
    )


def without_serial_console(cmdline: str) -> str:
    """The kernel's command line without a console on a serial line."""
    words = [
        word for word in cmdline.split() if not word.startswith(("console=serial", "console=ttyAMA", "console=ttyS"))
    ]
    return " ".join(words) + "\n" if cmdline.strip() else cmdline


def _replace(system: System, record: Record, step: str, name: str, text: str) -> None:
    record.note(step, system.read(name))
    system.write(name, text)


def _make_home(system: System) -> None:
    system.path(HOME).mkdir(0o700, parents=True)
    system.run("chown", f"{USER}:{USER}", HOME)


def _remove_home(system: System) -> None:
    """Only where nothing was recorded: what is in it may be evidence."""
    _remove_if_empty(system, f"{HOME}/evidence")
    _remove_if_empty(system, HOME)


def _remove_if_empty(system: System, name: str) -> None:
    path = system.path(name)
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()
