"""`lapel-camera`: run one camera, look at its configuration, draw its state chart.

Exit codes: 0 ended as asked (also: the video came to its end), 1 a fault of Lapel, 2 something was asked that cannot
be, 3 the evidence folder cannot be used, 4 the broker's address cannot be used.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lapel import __version__, config, states
from lapel.camera import Camera, CameraStatus
from lapel.config import Config
from lapel.errors import LapelError
from lapel.hardware.desktop.terminal import PlainIndicators, StatusLine, TerminalButtons, keys_at_once

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
    for flag, section, key, meaning in _FLAGS:
        parser.add_argument(flag, dest=f"{section}.{key}", metavar=key.rsplit("_", 1)[0].upper(), help=meaning)
    parser.set_defaults(command=_run)


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
        return asyncio.run(_live(settings, on_terminal=on_terminal))


async def _live(config: Config, *, on_terminal: bool) -> int:
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
        ended = await run_for_good(
            settings_of(config), lambda now: assemble(now, indicators=indicators, buttons=buttons), started
        )
    finally:
        if drawing is not None:
            drawing.cancel()
            await asyncio.wait([drawing])
    print(ended)
    return 0


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
