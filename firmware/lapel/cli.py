"""The command `lapel-camera`: run a camera, check its configuration, print its state chart.

Exit codes: 0 ended as requested, or the video file ended; 1 a bug in Lapel; 2 an invalid flag, key, value or video
source; 3 the evidence folder cannot be used; 4 the broker's address cannot be used.
"""

import argparse
import asyncio
import contextlib
import getpass
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapel import __version__, config, states
from lapel.camera import Camera
from lapel.clock import SystemClock, set_system_clock
from lapel.completion import add_completion
from lapel.config import Config, unconfirmed_note
from lapel.config_check import require_usable
from lapel.errors import ConfigError, ConsoleError, LapelError
from lapel.hardware.desktop.terminal import StatusLine, TerminalButtons, unbuffered_keys
from lapel.hardware.interfaces import Indicators
from lapel.identity_command import add_identity
from lapel.logs import Log
from lapel.own_files import DamageReports
from lapel.policy_command import add_policy
from lapel.sanitize import plain
from lapel.service.commands import add_commands as add_service_commands
from lapel.status_messages import CameraStatus

if TYPE_CHECKING:
    from lapel.console_access import CameraAccess
    from lapel.live_view.live_view import LiveView

# flag, section, key, help text
_FLAGS: tuple[tuple[str, str, str, str], ...] = (
    ("--video", "video", "source", "device, camera module (`rpicam`), file, address, or `scene`: a drawn street"),
    ("--width", "video", "width", "pixels"),
    ("--height", "video", "height", "pixels"),
    ("--rate", "video", "rate_fps", "frames per second"),
    ("--bitrate", "video", "bitrate_bps", "bits per second"),
    ("--codec", "video", "codec", "encoder; `copy` records the source's own H.264 without decoding it"),
    (
        "--audio",
        "audio",
        "source",
        "`none`, `tone`, an ALSA microphone (`default`, `hw:1,0`), or `video`: its own sound",
    ),
    ("--prebuffer", "prebuffer", "length_s", "length of the pre-event buffer in seconds, 0 to 120"),
    ("--evidence", "recording", "evidence", "folder for recordings"),
    ("--postevent", "recording", "postevent_s", "seconds to continue recording after the stop"),
    ("--max-clip", "recording", "max_clip_s", "seconds after which a recording continues in a linked clip"),
    ("--agency", "camera", "agency", "first part of the camera's address: the agency"),
    ("--site", "camera", "site", "second part: the site"),
    ("--camera", "camera", "name", "third part: the camera's name"),
    ("--broker", "link", "broker", "mqtt://127.0.0.1 or mqtts://HOST; without it the camera works without a fleet"),
    ("--keepalive", "link", "keepalive_s", "seconds without traffic after which the connection is tested"),
    ("--telemetry", "link", "telemetry_s", "seconds between telemetry messages"),
    ("--live", "live", "listen", "show recordings in progress at this PORT or HOST:PORT over HTTP"),
    ("--live-tokens", "live", "tokens", "file with a line NAME TOKEN for each who may watch; made if missing"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. An expected error is printed as one line on standard error."""
    try:
        options = _parser().parse_args(arguments)
        return int(options.command(options))
    except LapelError as error:
        print(f"lapel-camera: {plain(str(error))}", file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lapel-camera", description="A body-worn camera with a pre-event buffer.")
    parser.add_argument("--version", action="version", version=f"lapel {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="run a camera until it is stopped"))
    _add_login(commands.add_parser("login", help="set the secrets of the technician's console"))
    add_identity(commands.add_parser("identity", help="show, make or certify the key that signs the recordings"))
    add_policy(commands.add_parser("policy", help="explain, check or compare agencies' profiles"))
    _add_config(commands.add_parser("config", help="show or check a configuration"))
    contract = commands.add_parser("asyncapi", help="print the fleet contract as an AsyncAPI 3 document")
    contract.set_defaults(command=_asyncapi)
    drawn = commands.add_parser("states", help="print the state chart as a Mermaid diagram")
    drawn.add_argument("--table", action="store_true", help="print every pair of state and event instead, one per line")
    drawn.set_defaults(command=_states)
    add_service_commands(commands)
    add_completion(parser)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration file (TOML); flags override it")
    parser.add_argument("--loop", action="store_true", default=None, help="repeat a video file")
    parser.add_argument(
        "--overlay", action="store_true", default=None, help="draw name, time, clock quality into the video"
    )
    parser.add_argument("--allow-plain", action="store_true", default=None, help="allow mqtt:// to other machines")
    parser.add_argument("--console", metavar="LINE", help="technician's serial line: /dev/ttyAMA0, pty, or pty:PATH")
    parser.add_argument(
        "--trace-hardware", type=Path, metavar="FILE", help="write what buttons, gauges, gpsd, video and sound do"
    )
    for flag, section, key, meaning in _FLAGS:
        parser.add_argument(flag, dest=f"{section}.{key}", metavar=key.rsplit("_", 1)[0].upper(), help=meaning)
    parser.set_defaults(command=_run)


def _add_login(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    setting = actions.add_parser("set", help="set a secret: typed twice, or one line on standard input")
    setting.add_argument("role", choices=("viewer", "service"))
    setting.add_argument("--config", type=Path, metavar="FILE", help="the camera's configuration file")
    setting.add_argument("--evidence", dest="recording.evidence", metavar="EVIDENCE", help="the folder for recordings")
    setting.set_defaults(command=_login_set)


def _add_config(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--example", action="store_true", help="print a file with every key at its default")
    what.add_argument("--schema", action="store_true", help="print the JSON Schema of the file")
    what.add_argument("--check", type=Path, metavar="FILE", help="check FILE")
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
        require_usable(config.load(options.check))
        print(f"{options.check}: valid")
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
    with unbuffered_keys(sys.stdin.fileno()) if on_terminal else contextlib.nullcontext():
        return asyncio.run(_live(settings, options.console, options.trace_hardware, on_terminal=on_terminal))


def _login_set(options: argparse.Namespace) -> int:
    from lapel.app import evidence_folder
    from lapel.console.login import weakness
    from lapel.console_setup import secrets_of

    flags = {("recording", "evidence"): getattr(options, "recording.evidence")}
    settings = config.from_environment(options.config, flags)
    if sys.stdin.isatty():
        secret = getpass.getpass(f"new secret for {options.role}: ")
        if secret != getpass.getpass("repeat it: "):
            raise ConsoleError("login set: the two secrets differ; type the same one twice", "usage")
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    if problem := weakness(secret):
        raise ConsoleError(f"login set: {problem}", "usage")
    evidence_folder(Path(settings.recording.evidence))
    secrets_of(settings).set(options.role, secret)
    print(f"the secret for {options.role} is set")
    return 0


async def _live(config: Config, console: str | None, trace_file: Path | None, *, on_terminal: bool) -> int:
    # imports OpenCV and FFmpeg, which takes half a second: not for `--help`
    from lapel.app import App, assemble, evidence_folder, run_for_good, settings_of
    from lapel.hardware.trace.writer import TraceWriter, devices_of
    from lapel.service.host import request_power_off, service_indicators
    from lapel.service.notify import ServiceManager
    from lapel.service.watchdog import Watchdog

    app: App | None = None

    def status_text() -> str:
        return _status_text(app.camera.status()) if app else "starting"

    def started(new: App) -> None:
        nonlocal app
        app = new
        _end_on_signals(new.camera)

    trace = TraceWriter(trace_file, SystemClock(), devices_of(config)) if trace_file is not None else None
    status_line, manager = StatusLine(status_text), ServiceManager(os.environ)
    indicators = status_line if on_terminal else service_indicators(manager, config.camera.name, os.environ)
    watchdog = Watchdog(manager, SystemClock(), lambda: app.parts if app else (), indicators.show_line)
    helpers = [asyncio.create_task(watchdog.run())]
    helpers += [asyncio.create_task(status_line.run())] if on_terminal else []
    buttons = TerminalButtons(sys.stdin.fileno()) if on_terminal else None
    try:
        evidence_folder(Path(config.recording.evidence))
        damage = DamageReports()
        async with (
            _serve_console(config, console, indicators, damage) as access,
            _serve_live_view(config, indicators, on_terminal=on_terminal) as new_live_view,
        ):
            ended = await run_for_good(
                settings_of(config, damage),
                lambda settings: assemble(
                    settings,
                    indicators=indicators,
                    buttons=buttons,
                    access=access,
                    live_view=new_live_view(),
                    trace=trace,
                ),
                started,
            )
    finally:
        manager.notify(STOPPING="1")
        for helper in helpers:
            helper.cancel()
        await asyncio.wait(helpers)
        if trace is not None:
            trace.close()
    print(ended)
    if trace is not None and trace.failure:
        print(trace.failure, file=sys.stderr)
    if app is not None and app.camera.powers_off:
        request_power_off(os.environ)
    return 0


@contextlib.asynccontextmanager
async def _serve_console(
    config: Config, where: str | None, indicators: Indicators, damage: DamageReports
) -> AsyncIterator["CameraAccess | None"]:
    """Serve the technician's console on the line `where` while the block runs. Yields its access to the camera.

    Without a line there is no console; but an unconfirmed change of the configuration is still reverted in time.
    """
    if where is None and not unconfirmed_note(config).exists():
        yield None  # the console's modules are not even imported
        return
    from lapel.console_access import CameraAccess
    from lapel.console_setup import candidate_of, console_at
    from lapel.worker import ThreadWorker

    clock, worker = SystemClock(), ThreadWorker(1)
    access = CameraAccess(clock, Log(clock), step_clock=set_system_clock)
    console = console_at(where, access, config, clock, worker, damage, access.audit) if where is not None else None
    if console is None:
        serving = asyncio.create_task(
            candidate_of(access, config, clock, worker, damage).await_revert(), name="console-confirm"
        )
        indicators.show_line("the last change of the configuration was not confirmed; it will be reverted")
    else:
        serving = asyncio.create_task(console.run(), name="console")
        indicators.show_line(f"console on {console.line.name}")
    try:
        yield access
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        if console is not None:
            console.line.close()
        worker.close()


@contextlib.asynccontextmanager
async def _serve_live_view(
    config: Config, indicators: Indicators, *, on_terminal: bool
) -> AsyncIterator[Callable[[], "LiveView | None"]]:
    """Serve the live view that the configuration asks for while the block runs. Yields what makes the view of a camera
    that starts: None without live view.
    """
    if not config.live.listen:
        yield lambda: None
        return
    try:
        from lapel.live_view.configured import served_as_configured
    except ImportError:
        raise ConfigError("--live needs more packages: pip install 'lapel[live]'") from None

    async with served_as_configured(config, indicators.show_line, on_terminal=on_terminal) as new_view:
        yield new_view


def _end_on_signals(camera: Camera) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, camera.shut_down, f"ended by {number.name}")


def _status_text(status: CameraStatus) -> str:
    footage = status.footage
    parts = [status.state.upper() + (f": {status.reason}" if status.reason else "")]
    if status.recording:
        parts.append(f"{status.recorded_s:.0f} s since the press")
    parts.append(f"buffer {footage.buffered_s:.0f} s, {footage.buffered_bytes / 1e6:.1f} MB")
    parts.append(f"{footage.measured_fps:.0f} fps" if footage.lost is None else "NO VIDEO")
    parts += [f"link: {status.link}"] if status.link else []
    return "  ".join([*parts, *status.flags, "[space] record  [m] mark  [q] quit"])
