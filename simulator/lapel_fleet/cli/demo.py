"""The demonstration, `make run`: four cameras, a broker and an operator for a minute. Ends with a verdict."""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lapel.app import App, assemble, source_of
from lapel.clock import Clock, SystemClock
from lapel.config import Config, load
from lapel.indications import Light, Pattern, Signal
from lapel.link.broker_address import brokers_at
from lapel.link.messages import Command, CommandName
from lapel.states import State
from lapel_fleet.broker.embedded import EmbeddedBroker, embedded_broker
from lapel_fleet.checkers.clip import Verdict, judge
from lapel_fleet.hardware.frame_source import SimulatedFrameSource
from lapel_fleet.operator.operator import Operator, operator

AGENCY, SITE = "demo", "baltimore"
NAMES = [f"cam-{number:04}" for number in range(1, 5)]
SOUND = NAMES[0]
"""The camera that records sound, too."""
PREBUFFER_S = 10.0
_COLOURS = {"buffering": "green", "recording": "red", "fault": "bold red", "offline": "dim"}


@dataclass(slots=True)
class Cam:
    """One camera of the demonstration: the firmware and its video source."""

    name: str
    app: App
    video: SimulatedFrameSource

    @property
    def address(self) -> str:
        """`site/camera`, as in the operator's commands."""
        return f"{SITE}/{self.name}"


@dataclass(slots=True)
class Demo:
    """The cameras, the operator, and where to log what happens."""

    cams: dict[str, Cam]
    operator: Operator
    log: Callable[[str, str], None]
    """Receives a camera's name and a text."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done to one camera at a time after the start."""

    at_s: float
    name: str
    description: str
    do: Callable[[Demo, Cam], Awaitable[None] | None]


def _operator_sends(command: CommandName) -> Callable[[Demo, Cam], Awaitable[None]]:
    async def send(demo: Demo, cam: Cam) -> None:
        account = demo.operator.tally([cam.address])
        await demo.operator.send(Command(id="-", command=command, reason="demonstration", sender="operator"), account)
        one = account.outcomes[cam.address]
        demo.log(cam.name, f"replies to {command}: {one.result}{f', {one.reason}' if one.reason else ''}")

    return send


def _press(_: Demo, cam: Cam) -> None:
    cam.app.camera.press()


STEPS: tuple[Step, ...] = (
    Step(5, "cam-0003", "its button is pressed before the buffer is full", _press),
    Step(12, "cam-0001", "its button is pressed", _press),
    Step(14, "cam-0002", "the operator starts a recording", _operator_sends("start-recording")),
    Step(16, "cam-0004", "its button is pressed", _press),
    Step(20, "cam-0004", "its camera cable is unplugged", lambda _, cam: cam.video.unplug()),
    Step(24, "cam-0001", "its wearer sets a marker", lambda _, cam: cam.app.camera.mark()),
    Step(26, "cam-0003", "its button is pressed again", _press),
    Step(28, "cam-0004", "its camera cable is plugged in", lambda _, cam: cam.video.plug_in()),
    Step(30, "cam-0003", "the operator stops it, although it is not recording", _operator_sends("stop-recording")),
    Step(32, "cam-0001", "its button is pressed again", _press),
    Step(34, "cam-0002", "the operator stops the recording", _operator_sends("stop-recording")),
    Step(42, "cam-0004", "its button is pressed again", _press),
    Step(46, "cam-0002", "its button is pressed", _press),
    Step(54, "cam-0002", "its button is pressed again", _press),
)
END_S = 57.0
_PICTURE_AT_S = 24.5


@dataclass
class Log:
    """The events so far: printed line by line, or on a terminal the last ones below the table."""

    clock: Clock
    print_line: Callable[[str], None] | None
    last: deque[str] = field(default_factory=lambda: deque(maxlen=12))

    def __post_init__(self) -> None:
        self._began_s = self.clock.mono_s()

    def add(self, name: str, text: str) -> None:
        """Add a line about a camera."""
        line = f"{self.clock.mono_s() - self._began_s:5.1f} s  {name:9} {text}"
        self.last.append(line)
        if self.print_line is not None:
            self.print_line(line)


class _LoggingIndicators:
    """Indicators of a camera whose status lines go to the log."""

    def __init__(self, log: Log, name: str) -> None:
        self._log, self._name = log, name

    def show_line(self, line: str) -> None:
        self._log.add(self._name, line)

    def show_state(self, state: State) -> None:
        """Does nothing: a status line reports each change of state."""

    def show_light(self, light: Light) -> None:
        """Does nothing, likewise."""

    def signal(self, signal: Signal, pattern: Pattern) -> None:
        """Does nothing: a status line reports it, too."""

    def identify(self, seconds: float) -> None:
        self.show_line(f"blinks and beeps for {seconds:g} s")

    def silence(self) -> None:
        """Does nothing, likewise."""


async def run(video: str, root: Path, console: Console, picture: Path | None = None) -> int:
    """Run the demonstration with frames from `video`, and record to `root`. Writes an SVG of the screen to `picture`.
    Returns exit code 0 if every recording is playable and its account true.
    """
    clock, live = SystemClock(), console.is_terminal
    log = Log(clock, None if live else lambda line: console.print(line, highlight=False, soft_wrap=True, markup=False))
    async with embedded_broker() as broker:
        console.print(f"broker: {broker.name} at {broker.url}; evidence: {root}", highlight=False, soft_wrap=True)
        connecting = operator(brokers_at(broker.url), AGENCY, clock)
        async with _cameras(video, root, broker, log, clock) as cams, connecting as connected:
            demo = Demo(cams, connected, log.add)
            screen = _screen(demo, log, console, picture) if live or picture else contextlib.nullcontext()
            async with screen:
                await _perform(demo, clock)
    verdicts = [judge(path.parent) for path in sorted(root.glob("*/*/recording.json"))]
    _print_verdicts(verdicts, console)
    return 0 if verdicts and not any(verdict.problems for verdict in verdicts) else 1


@asynccontextmanager
async def _cameras(
    video: str, root: Path, broker: EmbeddedBroker, log: Log, clock: Clock
) -> AsyncIterator[dict[str, Cam]]:
    """The cameras, running while the block does; then each finishes its recording and goes offline."""
    async with AsyncExitStack() as stack:
        cams = {name: _cam(name, video, root, broker, log, clock) for name in NAMES}
        for cam in cams.values():
            stack.callback(cam.app.close)
        running = [asyncio.create_task(cam.app.camera.run(), name=cam.name) for cam in cams.values()]
        try:
            yield cams
        finally:
            for cam in cams.values():
                cam.app.camera.shut_down("the demonstration is over")
            await asyncio.gather(*running)


def _cam(name: str, video: str, root: Path, broker: EmbeddedBroker, log: Log, clock: Clock) -> Cam:
    (root / name).mkdir(parents=True)
    config = _config(name, video, root / name, broker)
    source = SimulatedFrameSource(source_of(config, clock))
    return Cam(name, assemble(config, indicators=_LoggingIndicators(log, name), source=source), source)


def _config(name: str, video: str, evidence: Path, broker: EmbeddedBroker) -> Config:
    """Small frames: four cameras must run on a small machine."""
    size = {("video", "width"): 640, ("video", "height"): 360} if video == "scene" else {("video", "height"): 360}
    return load(
        flags={
            ("camera", "agency"): AGENCY, ("camera", "site"): SITE, ("camera", "name"): name,
            ("video", "source"): video, ("video", "loop"): True,
            ("audio", "source"): "tone" if name == SOUND else "none",
            ("video", "bitrate_bps"): 1_500_000, ("video", "preset"): "ultrafast",
            ("prebuffer", "length_s"): PREBUFFER_S, ("recording", "evidence"): str(evidence),
            ("link", "broker"): broker.url, ("link", "telemetry_s"): 10.0, **size,
        }
    )  # fmt: skip


async def _perform(demo: Demo, clock: Clock) -> None:
    began_s = clock.mono_s()
    for step in STEPS:
        await clock.sleep(max(0.0, began_s + step.at_s - clock.mono_s()))
        demo.log(step.name, f"-> {step.description}")
        doing = step.do(demo, demo.cams[step.name])
        if doing is not None:
            await doing
    await clock.sleep(max(0.0, began_s + END_S - clock.mono_s()))


# -- the screen ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _screen(demo: Demo, log: Log, console: Console, picture: Path | None) -> AsyncIterator[None]:
    """Show the table, updated four times a second. Writes an SVG of it at half time to `picture`."""
    with Live(console=console, auto_refresh=False, transient=True) as live:

        async def draw() -> None:
            while True:
                live.update(_view(demo, log), refresh=True)
                await asyncio.sleep(0.25)

        async def save_picture() -> None:
            await asyncio.sleep(_PICTURE_AT_S)
            if picture is not None:
                recorder = Console(record=True, width=118, file=open("/dev/null", "w"))  # noqa: SIM115
                recorder.print(_view(demo, log))
                picture.write_text(_self_contained(recorder.export_svg(title="make run")))
                recorder.file.close()

        tasks = [asyncio.create_task(draw()), asyncio.create_task(save_picture())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _self_contained(svg: str) -> str:
    """The SVG without the web fonts that rich refers to."""
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def _view(demo: Demo, log: Log) -> Group:
    table = Table(expand=True)
    for heading in ("camera", "state at the broker", "pre-event buffer", "frames", "recording"):
        table.add_column(heading, no_wrap=True)
    for cam in demo.cams.values():
        table.add_row(*_row(demo, cam))
    return Group(table, *(Text(line) for line in log.last))


def _row(demo: Demo, cam: Cam) -> tuple[Text | str, ...]:
    retained = demo.operator.states.get(cam.address)
    state = retained.state if retained else "…"
    status = cam.app.camera.status()
    footage = status.footage
    full = min(1.0, footage.buffered_s / PREBUFFER_S)
    bar = "█" * round(12 * full) + "░" * (12 - round(12 * full))
    frames = f"{footage.measured_fps:.0f} fps" if footage.lost is None else "none: cable unplugged"
    return (
        cam.name,
        Text(state, style=_COLOURS.get(state, "")),
        f"{bar} {footage.buffered_s:4.1f} s {footage.buffered_bytes / 1e6:4.1f} MB",
        frames,
        f"{status.recorded_s:.0f} s since the press" if status.recording else "",
    )


def _print_verdicts(verdicts: list[Verdict], console: Console) -> None:
    for verdict in verdicts:
        console.print(_verdict_line(verdict), highlight=False, soft_wrap=True, markup=False)
    bad = sum(bool(verdict.problems) for verdict in verdicts)
    console.print(
        f"{len(verdicts)} recordings, {len(verdicts) - bad} of them playable, with a true account", highlight=False
    )


def _verdict_line(verdict: Verdict) -> str:
    account = verdict.account
    if account is None:
        return f"{verdict.folder}: {'; '.join(verdict.problems)}"
    short = f" ({account.prebuffer_shortfall})" if account.prebuffer_shortfall else ""
    gaps = [f"a gap of {gap.duration_s:.1f} s ({gap.reason})" for gap in account.gaps]
    dropped = [f"{account.dropped_frames} frames dropped"] if account.dropped_frames else []
    configured_s, actual_s = account.prebuffer_configured_s, account.prebuffer_actual_s
    facts = [f"{account.duration_s:5.1f} s", f"{actual_s:.1f} s of {configured_s:g} s pre-event video{short}"]
    return (
        f"{account.camera}  {', '.join([*facts, *gaps, *dropped])}: {'; '.join(verdict.problems) or 'ok'}\n"
        f"    {verdict.folder / 'video.mp4'}"
    )
