"""`make run`: four cameras, a broker, an operator, and a minute in which things happen. Ends with a verdict."""

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
from lapel.hardware.interfaces import Signal
from lapel.link.broker_address import brokers_at
from lapel.link.messages import Command, CommandName
from lapel.states import State
from lapel_fleet.broker.embedded import EmbeddedBroker, embedded_broker
from lapel_fleet.checkers.clip import Verdict, judge
from lapel_fleet.hardware.frame_source import SimulatedFrameSource
from lapel_fleet.operator.operator import Operator, operator

AGENCY, SITE = "demo", "baltimore"
NAMES = [f"cam-{number:04}" for number in range(1, 5)]
PREBUFFER_S = 10.0
_COLOURS = {"buffering": "green", "recording": "red", "fault": "bold red", "offline": "dim"}


@dataclass(slots=True)
class Cam:
    """One camera of the demonstration: the firmware, and the world around it."""

    name: str
    app: App
    video: SimulatedFrameSource

    @property
    def address(self) -> str:
        """As the operator names it."""
        return f"{SITE}/{self.name}"


@dataclass(slots=True)
class Stage:
    """Everybody in the story."""

    cams: dict[str, Cam]
    operator: Operator
    say: Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Act:
    """What happens, how many seconds after the curtain, to whom, and in words."""

    at_s: float
    name: str
    words: str
    do: Callable[[Stage, Cam], Awaitable[None] | None]


def _ordered(command: CommandName) -> Callable[[Stage, Cam], Awaitable[None]]:
    async def send(stage: Stage, cam: Cam) -> None:
        account = stage.operator.tally([cam.address])
        await stage.operator.send(Command(id="-", command=command, reason="demonstration", sender="operator"), account)
        one = account.outcomes[cam.address]
        stage.say(cam.name, f"replies to {command}: {one.result}{f', {one.reason}' if one.reason else ''}")

    return send


def _press(_: Stage, cam: Cam) -> None:
    cam.app.camera.press()


STORY: tuple[Act, ...] = (
    Act(5, "cam-0003", "its button is pressed before the buffer is full", _press),
    Act(12, "cam-0001", "its button is pressed", _press),
    Act(14, "cam-0002", "the operator starts it", _ordered("start-recording")),
    Act(16, "cam-0004", "its button is pressed", _press),
    Act(20, "cam-0004", "its camera cable is pulled", lambda _, cam: cam.video.unplug()),
    Act(24, "cam-0001", "its wearer sets a marker", lambda _, cam: cam.app.camera.mark()),
    Act(26, "cam-0003", "its button is pressed again", _press),
    Act(28, "cam-0004", "its camera cable is back", lambda _, cam: cam.video.plug_in()),
    Act(30, "cam-0003", "the operator stops what is not recording", _ordered("stop-recording")),
    Act(32, "cam-0001", "its button is pressed again", _press),
    Act(34, "cam-0002", "the operator stops it", _ordered("stop-recording")),
    Act(42, "cam-0004", "its button is pressed again", _press),
    Act(46, "cam-0002", "its button is pressed", _press),
    Act(54, "cam-0002", "its button is pressed again", _press),
)
CURTAIN_S = 57.0


@dataclass
class Log:
    """What happened, for the screen: all of it where lines are printed, the last of it where a table is drawn."""

    clock: Clock
    print_line: Callable[[str], None] | None
    last: deque[str] = field(default_factory=lambda: deque(maxlen=12))

    def __post_init__(self) -> None:
        self._began_s = self.clock.mono_s()

    def say(self, name: str, words: str) -> None:
        """One line about one camera."""
        line = f"{self.clock.mono_s() - self._began_s:5.1f} s  {name:9} {words}"
        self.last.append(line)
        if self.print_line is not None:
            self.print_line(line)


class _Voice:
    """A camera's indicators: its lines go to the log."""

    def __init__(self, log: Log, name: str) -> None:
        self._log, self._name = log, name

    def show_line(self, line: str) -> None:
        self._log.say(self._name, line)

    def show_state(self, state: State) -> None:
        """Each state is a line already."""

    def signal(self, signal: Signal) -> None:
        """So is what it signals."""

    def identify(self, seconds: float) -> None:
        self.show_line(f"blinks and beeps for {seconds:g} s")


async def run(video: str, root: Path, console: Console, picture: Path | None = None) -> int:
    """Play the story with pictures from `video` into `root`. Exit code 0 if every recording is playable and honest."""
    clock, live = SystemClock(), console.is_terminal
    log = Log(clock, None if live else lambda line: console.print(line, highlight=False, soft_wrap=True, markup=False))
    async with embedded_broker() as broker:
        console.print(f"broker: {broker.name} at {broker.url}; evidence: {root}", highlight=False, soft_wrap=True)
        seen = operator(brokers_at(broker.url), AGENCY, clock)
        async with _cast(video, root, broker, log, clock) as cams, seen as sees:
            stage = Stage(cams, sees, log.say)
            screen = _screen(stage, log, console, picture) if live or picture else contextlib.nullcontext()
            async with screen:
                await _play(stage, clock)
    verdicts = [judge(path.parent) for path in sorted(root.glob("*/*/recording.json"))]
    _print_verdicts(verdicts, console)
    return 0 if verdicts and not any(verdict.problems for verdict in verdicts) else 1


@asynccontextmanager
async def _cast(
    video: str, root: Path, broker: EmbeddedBroker, log: Log, clock: Clock
) -> AsyncIterator[dict[str, Cam]]:
    """The cameras, running until the block ends; then each finishes and goes offline."""
    async with AsyncExitStack() as stack:
        cams = {name: _cam(name, video, root, broker, log, clock) for name in NAMES}
        for cam in cams.values():
            stack.callback(cam.app.close)
        lives = [asyncio.create_task(cam.app.camera.run(), name=cam.name) for cam in cams.values()]
        try:
            yield cams
        finally:
            for cam in cams.values():
                cam.app.camera.shut_down("the demonstration is over")
            await asyncio.gather(*lives)


def _cam(name: str, video: str, root: Path, broker: EmbeddedBroker, log: Log, clock: Clock) -> Cam:
    (root / name).mkdir(parents=True)
    config = _config(name, video, root / name, broker)
    lens = SimulatedFrameSource(source_of(config, clock))
    return Cam(name, assemble(config, indicators=_Voice(log, name), source=lens), lens)


def _config(name: str, video: str, evidence: Path, broker: EmbeddedBroker) -> Config:
    """Small pictures: four cameras must fit on a small machine."""
    drawn = {("video", "width"): 640, ("video", "height"): 360} if video == "scene" else {("video", "height"): 360}
    return load(
        flags={
            ("camera", "agency"): AGENCY, ("camera", "site"): SITE, ("camera", "name"): name,
            ("video", "source"): video, ("video", "loop"): True,
            ("video", "bitrate_bps"): 1_500_000, ("video", "preset"): "ultrafast",
            ("prebuffer", "length_s"): PREBUFFER_S, ("recording", "evidence"): str(evidence),
            ("link", "broker"): broker.url, ("link", "telemetry_s"): 10.0, **drawn,
        }
    )  # fmt: skip


async def _play(stage: Stage, clock: Clock) -> None:
    began_s = clock.mono_s()
    for act in STORY:
        await clock.sleep(max(0.0, began_s + act.at_s - clock.mono_s()))
        stage.say(act.name, f"-> {act.words}")
        done = act.do(stage, stage.cams[act.name])
        if done is not None:
            await done
    await clock.sleep(max(0.0, began_s + CURTAIN_S - clock.mono_s()))


# -- pictures of it --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _screen(stage: Stage, log: Log, console: Console, picture: Path | None) -> AsyncIterator[None]:
    """The table, drawn anew four times a second; its view in mid-story goes to `picture` as SVG."""
    with Live(console=console, auto_refresh=False, transient=True) as live:

        async def draw() -> None:
            while True:
                live.update(_view(stage, log), refresh=True)
                await asyncio.sleep(0.25)

        async def photograph() -> None:
            await asyncio.sleep(24.5)
            if picture is not None:
                camera = Console(record=True, width=118, file=open("/dev/null", "w"))  # noqa: SIM115
                camera.print(_view(stage, log))
                picture.write_text(_self_contained(camera.export_svg(title="make run")))
                camera.file.close()

        tasks = [asyncio.create_task(draw()), asyncio.create_task(photograph())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _self_contained(svg: str) -> str:
    """Without the fonts that rich would have the reader's machine fetch."""
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def _view(stage: Stage, log: Log) -> Group:
    table = Table(expand=True)
    for heading in ("camera", "state at the broker", "pre-event buffer", "pictures", "recording"):
        table.add_column(heading, no_wrap=True)
    for cam in stage.cams.values():
        table.add_row(*_row(stage, cam))
    return Group(table, *(Text(line) for line in log.last))


def _row(stage: Stage, cam: Cam) -> tuple[Text | str, ...]:
    told = stage.operator.states.get(cam.address)
    state = told.state if told else "…"
    status = cam.app.camera.status()
    footage = status.footage
    full = min(1.0, footage.buffered_s / PREBUFFER_S)
    bar = "█" * round(12 * full) + "░" * (12 - round(12 * full))
    pictures = f"{footage.measured_fps:.0f} fps" if footage.lost is None else "none: cable pulled"
    return (
        cam.name,
        Text(state, style=_COLOURS.get(state, "")),
        f"{bar} {footage.buffered_s:4.1f} s {footage.buffered_bytes / 1e6:4.1f} MB",
        pictures,
        f"{status.recorded_s:.0f} s since the press" if status.recording else "",
    )


def _print_verdicts(verdicts: list[Verdict], console: Console) -> None:
    for verdict in verdicts:
        console.print(_verdict_line(verdict), highlight=False, soft_wrap=True, markup=False)
    bad = sum(bool(verdict.problems) for verdict in verdicts)
    console.print(f"{len(verdicts)} recordings, {len(verdicts) - bad} of them playable and honest", highlight=False)


def _verdict_line(verdict: Verdict) -> str:
    account = verdict.account
    if account is None:
        return f"{verdict.folder}: {'; '.join(verdict.problems)}"
    short = f" ({account.prebuffer_shortfall})" if account.prebuffer_shortfall else ""
    gaps = [f"a gap of {gap.duration_s:.1f} s ({gap.reason})" for gap in account.gaps]
    dropped = [f"{account.dropped_frames} pictures dropped"] if account.dropped_frames else []
    asked, got = account.prebuffer_configured_s, account.prebuffer_actual_s
    facts = [f"{account.duration_s:5.1f} s", f"asked {asked:g} s from before the press, got {got:.1f} s{short}"]
    return (
        f"{account.camera}  {', '.join([*facts, *gaps, *dropped])}: {'; '.join(verdict.problems) or 'ok'}\n"
        f"    {verdict.folder / 'video.mp4'}"
    )
