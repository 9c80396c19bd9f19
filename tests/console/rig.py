"""A camera in virtual time with a console at its service port, and a technician at the other end of the line."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from console.terminals import Emulator, Terminal
from lapel.camera import Camera
from lapel.config import load
from lapel.console.candidate import Candidate, Note
from lapel.console.console_log import FileConsoleLog
from lapel.console.interface import Role
from lapel.console.login import LoginGuard, Secrets
from lapel.console.shell import Console
from lapel.console_access import CameraAccess
from lapel.errors import StorageError
from lapel.evidence.store import EvidenceStore
from lapel.logs import Log
from lapel.settings import Settings
from lapel.worker import InlineWorker
from lapel_fleet.hardware.serial import SimulatedSerial
from lapel_fleet.time.clocks import VirtualClock, run_virtual
from parts import Ear, RecordingLink, VirtualFootage

T = TypeVar("T")

SECRETS: dict[Role, str] = {"viewer": "look and see", "service": "correct horse battery"}
SETTLED_S = 0.2
"""So long after a key everything that it brings about has happened, unless it takes time by design."""


class Card(EvidenceStore):
    """A real folder of a size that is the same everywhere."""

    is_full = False

    def free_bytes(self) -> int:
        return 0 if self.is_full else 50_000_000_000

    def check(self) -> None:
        if self.is_full:
            raise StorageError("evidence: the card is full")


class ButtonDesk(CameraAccess):
    """A desk with a button to prove presence with; `holds` is somebody holding it."""

    holds = False
    presence_hint = "Hold the camera's button for 3 s."

    async def presence(self, within_s: float) -> bool:
        begin_s = self._clock.mono_s()
        while not self.holds and self._clock.mono_s() < begin_s + within_s:
            await self._clock.sleep(1.0)
        return self.holds


class Rig:
    """Everything, passed in. `say` is the technician; the parts are the rest of the world."""

    def __init__(self, clock: VirtualClock, folder: Path, *, secrets: dict[Role, str] = SECRETS, **flags: Any) -> None:
        self.clock, self.folder, self.log = clock, folder, Log(clock)
        keys = {("prebuffer", "length_s"): 10, ("recording", "evidence"): "evidence"}
        self.config = load(flags={**keys, **{tuple(key.split("__")): value for key, value in flags.items()}})  # type: ignore[misc]
        self.card, self.link, self.ear = Card(folder, self.config.recording.min_free_bytes), RecordingLink(), Ear()
        self.settings = Settings(self.config, folder / ".lapel" / "configuration.json")
        self.line = SimulatedSerial()
        self.desk = ButtonDesk(clock, self.log, step_clock=self._step_clock)
        self.secrets = Secrets(folder / ".lapel" / "logins.json", cost=2, salt=lambda: "00")
        for role, secret in secrets.items():
            self.secrets.set(role, secret)
        self.camera: Camera | None = None
        self.footage = VirtualFootage(clock, 10)
        self.blind = False
        """Whether the next camera gets no pictures."""
        self.terminal: Terminal = Emulator(80)
        self._rng, self._sessions = random.Random(7), 0
        self._lives: list[asyncio.Task[None]] = []

    def _step_clock(self, to: datetime) -> None:
        """The camera's own; the machine that the test runs on keeps its time."""
        self.clock.step((to - self.clock.now().utc).total_seconds())

    # -- life --------------------------------------------------------------------------------------------------------

    def power_on(self, *, serviced: bool = True) -> None:
        """Not `serviced`: without a console."""
        worker = InlineWorker()
        (self.folder / ".lapel").mkdir(exist_ok=True)
        self.settings.load()
        candidate = Candidate(self.desk, self.clock, worker, Note(self.folder / ".lapel" / "unconfirmed.json"))
        console = Console(
            self.line,
            self.desk,
            self.clock,
            worker,
            door=LoginGuard(self.secrets, self.clock, worker),
            record=FileConsoleLog(self.folder / ".lapel" / "console.jsonl", self.clock, worker),
            candidate=candidate,
        )
        service = console.run() if serviced else candidate.run_out()
        self._lives = [asyncio.create_task(self._cameras()), asyncio.create_task(service)]

    async def power_off(self) -> None:
        """Nothing is finished, nobody is told: a power cut."""
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        self.line.close()
        await self.footage.stop()

    async def _cameras(self) -> None:
        """As `lapel.app.run_for_good` does it, without threads."""
        while True:
            self.settings.begin()
            self._sessions += 1
            self.link = RecordingLink()
            self.footage = VirtualFootage(self.clock, self.settings.current.prebuffer.length_s)
            self.footage.blind = self.blind
            self.camera = Camera(
                self.settings.current,
                clock=self.clock,
                footage=self.footage,
                storage=self.card,
                worker=InlineWorker(),
                link=self.desk.tapped(self.link),
                rng=self._rng,
                session=f"s{self._sessions}",
                indicators=self.ear,
                settings=self.settings,
                log=self.log,
            )
            self.desk.sit(self.camera, self.settings, self.card, InlineWorker())
            await self.camera.run()
            if not self.camera.restarts:
                return

    # -- the technician ----------------------------------------------------------------------------------------------

    async def attach(self, terminal: Terminal | None = None) -> None:
        self.terminal = terminal or Emulator(80)
        self.line.on_heard = self.terminal.feed
        self.line.attach()
        await self.settle()

    async def settle(self, seconds: float = SETTLED_S) -> None:
        await self.clock.sleep(seconds)
        answer, self.terminal.answers = self.terminal.answers, b""
        if answer:
            self.line.type(answer)
            await self.clock.sleep(SETTLED_S)

    async def type(self, keys: str | bytes) -> None:
        self.line.type(keys if isinstance(keys, bytes) else keys.encode())
        await self.settle()

    async def say(self, line: str, seconds: float = 0.0) -> str:
        """Type a line and Enter; the rows that come back after it, without the prompt."""
        begin = self.terminal.row
        await self.type(f"{line}\r")
        if seconds:
            await self.settle(seconds)
        return "\n".join(self.terminal.text(row) for row in range(begin + 1, self.terminal.row))

    @property
    def prompt(self) -> str:
        """The row with the cursor."""
        return self.terminal.text(self.terminal.row)

    async def log_in(self, role: Role = "service", secret: str | None = None) -> None:
        await self.type(f"{role}\r")
        await self.type(f"{SECRETS[role] if secret is None else secret}\r")

    def record(self, *kinds: str) -> list[dict[str, Any]]:
        """What went on record, of these kinds or all."""
        path = self.folder / ".lapel" / "console.jsonl"
        entries = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        return [one for one in entries if not kinds or one["kind"] in kinds]

    @property
    def done(self) -> list[str]:
        """The commands on record."""
        return [one["line"] for one in self.record("command")]


def play(folder: Path, story: Callable[[Rig], Coroutine[Any, Any, T]], **options: Any) -> T:
    """A story at a camera that has been on for 12 s, nobody attached."""

    async def program(clock: VirtualClock) -> T:
        rig = Rig(clock, folder, **options)
        rig.power_on()
        try:
            await clock.sleep(12)
            return await story(rig)
        finally:
            await rig.power_off()
            rig.card.close()

    return run_virtual(program)
