"""`lapel-camera`: run one camera, look at its configuration, draw its state chart.

Exit codes: 0 ended as asked (also: the video came to its end), 1 a fault of Lapel, 2 something was asked that cannot
be, 3 the evidence folder cannot be used, 4 the broker's address cannot be used.
"""

import argparse
import asyncio
import contextlib
import getpass
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapel import __version__, config, states
from lapel.camera import Camera
from lapel.clock import SystemClock, set_system_clock
from lapel.config import Config, unconfirmed_note
from lapel.errors import ConsoleError, LapelError
from lapel.hardware.desktop.terminal import PlainIndicators, StatusLine, TerminalButtons, keys_at_once
from lapel.hardware.interfaces import Indicators
from lapel.logs import Log
from lapel.status_messages import CameraStatus

if TYPE_CHECKING:
    from lapel.console_access import CameraAccess

# flag, section, key, what it means
_FLAGS: tuple[tuple[str, str, str, str], ...] = (
    ("--video", "video", "source", "device, file, address, or `scene`: a drawn street"),
    ("--width", "video", "width", "pixels"),
    ("--height", "video", "height", "pixels"),
    ("--rate", "video", "rate_fps", "pictures per second"),
    ("--bitrate", "video", "bitrate_bps", "bits per second"),
    ("--prebuffer", "prebuffer", "length_s", "seconds to keep from before the press, 0 to 120"),
    ("--evidence", "recording", "evidence", "folder for recordings"),
    ("--postevent", "recording", "postevent_s", "seconds to go on recording after the stop"),
    ("--max-clip", "recording", "max_clip_s", "seconds after which a linked clip goes on"),
    ("--agency", "camera", "agency", "first part of the camera's address"),
    ("--site", "camera", "site", "second part"),
    ("--camera", "camera", "name", "third part: its name"),
    ("--broker", "link", "broker", "mqtt://127.0.0.1 or mqtts://HOST; without it the camera works alone"),
    ("--keepalive", "link", "keepalive_s", "seconds after which a silent connection is tested"),
    ("--telemetry", "link", "telemetry_s", "seconds between telemetry messages"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code; every foreseen failure is one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except LapelError as error:
        print(f"lapel-camera: {error}", file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lapel-camera", description="A camera that records from before the press.")
    parser.add_argument("--version", action="version", version=f"lapel {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="run a camera until it is stopped"))
    _add_login(commands.add_parser("login", help="secrets of the technician's console"))
    _add_config(commands.add_parser("config", help="show or check a configuration"))
    contract = commands.add_parser("asyncapi", help="print the fleet contract as an AsyncAPI 3 document")
    contract.set_defaults(command=_asyncapi)
    drawn = commands.add_parser("states", help="print the state chart as Mermaid")
    drawn.add_argument("--table", action="store_true", help="every pair of state and event, a line each")
    drawn.set_defaults(command=_states)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration (TOML); flags win over it")
    parser.add_argument("--loop", action="store_true", default=None, help="play a file again and again")
    parser.add_argument("--overlay", action="store_true", default=None, help="burn name, time, clock quality in")
    parser.add_argument("--allow-plain", action="store_true", default=None, help="allow mqtt:// to other machines")
    parser.add_argument("--console", metavar="LINE", help="technician's console: /dev/ttyAMA0, pty, or pty:PATH")
    for flag, section, key, meaning in _FLAGS:
        parser.add_argument(flag, dest=f"{section}.{key}", metavar=key.rsplit("_", 1)[0].upper(), help=meaning)
    parser.set_defaults(command=_run)


def _add_login(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    setting = actions.add_parser("set", help="set a secret; typed twice, or a line on standard input")
    setting.add_argument("role", choices=("viewer", "service"))
    setting.add_argument("--config", type=Path, metavar="FILE", help="the camera's configuration")
    setting.add_argument("--evidence", dest="recording.evidence", metavar="EVIDENCE", help="its folder for recordings")
    setting.set_defaults(command=_login_set)


def _add_config(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--example", action="store_true", help="a file with every key at its default")
    what.add_argument("--schema", action="store_true", help="JSON Schema of the file")
    what.add_argument("--check", type=Path, metavar="FILE", help="say whether FILE can be used")
    parser.set_defaults(command=_config)


def _states(options: argparse.Namespace) -> int:
    print(states.table_text() if options.table else states.mermaid(), end="")
    return 0


def _asyncapi(_: argparse.Namespace) -> int:
    from lapel.link.asyncapi import document

    print(json.dumps(document(), indent=2))
    return 0


def _config(options: argparse.Namespace) -> int:
    if options.check:
        config.load(options.check)
        print(f"{options.check}: is fine")
    else:
        print(config.example() if options.example else json.dumps(config.schema(), indent=2))
    return 0


def _run(options: argparse.Namespace) -> int:
    flags: dict[tuple[str, str], Any] = {
        (section, key): getattr(options, f"{section}.{key}") for _, section, key, _ in _FLAGS
    }
    flags["video", "loop"], flags["video", "overlay"] = options.loop, options.overlay
    flags["link", "allow_plain"] = options.allow_plain
    settings = config.from_environment(options.config, flags)
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    with keys_at_once(sys.stdin.fileno()) if on_terminal else contextlib.nullcontext():
        return asyncio.run(_live(settings, options.console, on_terminal=on_terminal))


def _login_set(options: argparse.Namespace) -> int:
    from lapel.app import evidence_folder
    from lapel.console.login import weakness
    from lapel.console_setup import secrets_of

    flags = {("recording", "evidence"): getattr(options, "recording.evidence")}
    settings = config.from_environment(options.config, flags)
    if sys.stdin.isatty():
        secret = getpass.getpass(f"new secret of {options.role}: ")
        if secret != getpass.getpass("once more: "):
            raise ConsoleError("login set: these were two different secrets", "usage")
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if trouble := weakness(secret):
        raise ConsoleError(f"login set: {trouble}", "usage")
    evidence_folder(Path(settings.recording.evidence))
    secrets_of(settings).set(options.role, secret)
    print(f"the secret of {options.role} is set")
    return 0


async def _live(config: Config, console: str | None, *, on_terminal: bool) -> int:
    # OpenCV and FFmpeg: half a second that `--help` need not wait for
    from lapel.app import assemble, evidence_folder, run_for_good, settings_of

    camera: Camera | None = None

    def line() -> str:
        return _line(camera.status()) if camera else "starting"

    def started(new: Camera) -> None:
        nonlocal camera
        camera = new
        _end_on_signals(new)

    status_line = StatusLine(line)
    indicators = status_line if on_terminal else PlainIndicators()
    drawing = asyncio.create_task(status_line.run()) if on_terminal else None
    buttons = TerminalButtons(sys.stdin.fileno()) if on_terminal else None
    try:
        evidence_folder(Path(config.recording.evidence))
        async with _serviced(config, console, indicators) as desk:
            ended = await run_for_good(
                settings_of(config),
                lambda now: assemble(now, indicators=indicators, buttons=buttons, desk=desk),
                started,
            )
    finally:
        if drawing is not None:
            drawing.cancel()
            await asyncio.wait([drawing])
    print(ended)
    return 0


@contextlib.asynccontextmanager
async def _serviced(config: Config, where: str | None, indicators: Indicators) -> AsyncIterator["CameraAccess | None"]:
    """A console on that line while the block runs. Without a line there is none; but a change that nobody confirmed is
    taken back all the same.
    """
    if where is None and not unconfirmed_note(config).exists():
        yield None  # and nothing of it is loaded
        return
    from lapel.console_access import CameraAccess
    from lapel.console_setup import candidate_of, console_at
    from lapel.worker import ThreadWorker

    clock, worker = SystemClock(), ThreadWorker(1)
    desk = CameraAccess(clock, Log(clock), step_clock=set_system_clock)
    if where is None:
        serving = asyncio.create_task(candidate_of(desk, config, clock, worker).await_revert(), name="console-confirm")
        indicators.show_line("a change of configuration was not confirmed: the settings before come back")
    else:
        console = console_at(where, desk, config, clock, worker)
        serving = asyncio.create_task(console.run(), name="console")
        indicators.show_line(f"console on {console.line.name}")
    try:
        yield desk
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        console.line.close()
        worker.close()


def _end_on_signals(camera: Camera) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, camera.shut_down, f"ended by {number.name}")


def _line(status: CameraStatus) -> str:
    footage = status.footage
    parts = [status.state.upper() + (f": {status.reason}" if status.reason else "")]
    if status.recording:
        parts.append(f"{status.recorded_s:.0f} s since the press")
    parts.append(f"buffer {footage.buffered_s:.0f} s, {footage.buffered_bytes / 1e6:.1f} MB")
    parts.append(f"{footage.measured_fps:.0f} fps" if footage.lost is None else "NO PICTURES")
    parts += [f"link: {status.link}"] if status.link else []
    return "  ".join([*parts, *status.flags, "[space] record  [m] mark  [q] quit"])
