"""Test harness: a camera in virtual time with a console on a simulated serial line, and a client at its other end."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from console.terminals import Emulator, Terminal
from evidence.recordings import SEALING
from lapel.camera import Camera
from lapel.config import load
from lapel.console.candidate import CandidateConfig, UnconfirmedFile
from lapel.console.console_log import FileConsoleLog
from lapel.console.interface import Role
from lapel.console.login import LoginGuard, Secrets
from lapel.console.shell import Console
from lapel.console_access import CameraAccess
from lapel.errors import StorageError
from lapel.evidence.store import EvidenceStore
from lapel.hardware.devices import Devices
from lapel.logs import Log
from lapel.settings import Settings
from lapel.worker import InlineWorker
from lapel_fleet.hardware.serial_line import SimulatedSerialLine
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from simulated_parts import RecordedIndicators, RecordingLink, VirtualFootage

T = TypeVar("T")

SECRETS: dict[Role, str] = {"viewer": "look and see", "service": "correct horse battery"}
SETTLE_S = 0.2
"""After this time every effect of a key has happened, except those that take time by design."""


class FixedSizeStorage(EvidenceStore):
    """An evidence folder whose free space is the same on every machine."""

    is_full = False

    def free_bytes(self) -> int:
        return 0 if self.is_full else 50_000_000_000

    def check(self) -> None:
        if self.is_full:
            raise StorageError("evidence: the storage is full")


class CameraWithButton(CameraAccess):
    """A camera with a button to prove presence with."""

    is_button_held = False
    presence_hint = "Hold the camera's button for 3 s."

    async def wait_for_presence(self, within_s: float) -> bool:
        begin_s = self._clock.mono_s()
        while not self.is_button_held and self._clock.mono_s() < begin_s + within_s:
            await self._clock.sleep(1.0)
        return self.is_button_held


class Harness:
    """Camera, console, serial line and terminal of one test; `type` and `run` are the user at the terminal."""

    def __init__(self, clock: VirtualClock, folder: Path, *, secrets: dict[Role, str] = SECRETS, **flags: Any) -> None:
        self.clock, self.folder, self.log = clock, folder, Log(clock)
        keys = {("prebuffer", "length_s"): 10, ("recording", "evidence"): "evidence"}
        self.config = load(flags={**keys, **{tuple(key.split("__")): value for key, value in flags.items()}})  # type: ignore[misc]
        self.storage = FixedSizeStorage(folder, self.config.recording.min_free_bytes, sealing=lambda: SEALING)
        self.link, self.indicators = RecordingLink(), RecordedIndicators()
        self.settings = Settings(self.config, folder / ".lapel" / "configuration.json")
        self.line = SimulatedSerialLine()
        self.access = CameraWithButton(clock, self.log, step_clock=self._step_clock)
        self.secrets = Secrets(folder / ".lapel" / "logins.json", cost=2, salt=lambda: "00")
        for role, secret in secrets.items():
            self.secrets.set(role, secret)
        self.camera: Camera | None = None
        self.footage = VirtualFootage(clock, 10)
        self.delivers_frames = True
        """Whether the video source works after the next restart."""
        self.terminal: Terminal = Emulator(80)
        self._random, self._sessions = random.Random(7), 0
        self._tasks: list[asyncio.Task[None]] = []

    def _step_clock(self, to: datetime) -> None:
        """Step the camera's clock, not the one of the machine that runs the test."""
        self.clock.step((to - self.clock.now().utc).total_seconds())

    # -- power ---------------------------------------------------------------------------------------------------------

    def power_on(self, *, with_console: bool = True) -> None:
        worker = InlineWorker()
        (self.folder / ".lapel").mkdir(exist_ok=True)
        self.settings.load()
        unconfirmed = UnconfirmedFile(self.folder / ".lapel" / "unconfirmed.json", self.settings.damage)
        candidate = CandidateConfig(self.access, self.clock, worker, unconfirmed)
        console = Console(
            self.line,
            self.access,
            self.clock,
            worker,
            login=LoginGuard(self.secrets, self.clock, worker),
            console_log=FileConsoleLog(self.folder / ".lapel" / "console.jsonl", self.clock, worker),
            candidate=candidate,
        )
        service = console.run() if with_console else candidate.await_revert()
        self._tasks = [asyncio.create_task(self._run_cameras()), asyncio.create_task(service)]

    async def power_off(self) -> None:
        """A power cut: nothing is finished, no offline message is sent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.line.close()
        await self.footage.stop()

    async def _run_cameras(self) -> None:
        """As `lapel.app.run_for_good` does, without threads: a restart makes a new camera."""
        while True:
            self.settings.mark_started()
            self._sessions += 1
            self.link = RecordingLink()
            self.footage = VirtualFootage(self.clock, self.settings.current.prebuffer.length_s)
            self.footage.blind = not self.delivers_frames
            self.camera = Camera(
                self.settings.current,
                clock=self.clock,
                footage=self.footage,
                storage=self.storage,
                devices=Devices(self.indicators),
                worker=InlineWorker(),
                link=self.access.intercept(self.link),
                rng=self._random,
                session=f"s{self._sessions}",
                settings=self.settings,
                log=self.log,
            )
            self.access.attach(self.camera, self.settings, self.storage, InlineWorker())
            await self.camera.run()
            if not self.camera.restarts:
                return

    # -- the client ----------------------------------------------------------------------------------------------------

    async def attach(self, terminal: Terminal | None = None) -> None:
        """A client opens the line."""
        self.terminal = terminal or Emulator(80)
        self.line.on_read = self.terminal.feed
        self.line.attach()
        await self.settle()

    async def settle(self, seconds: float = SETTLE_S) -> None:
        """Let time pass, and deliver the terminal's answer to a query of its width."""
        await self.clock.sleep(seconds)
        answer, self.terminal.answers = self.terminal.answers, b""
        if answer:
            self.line.type(answer)
            await self.clock.sleep(SETTLE_S)

    async def type(self, keys: str | bytes) -> None:
        self.line.type(keys if isinstance(keys, bytes) else keys.encode())
        await self.settle()

    async def run(self, line: str, seconds: float = 0.0) -> str:
        """Type a line and Enter; returns the rows below it, without the next prompt."""
        begin = self.terminal.row
        await self.type(f"{line}\r")
        if seconds:
            await self.settle(seconds)
        return "\n".join(self.terminal.text(row) for row in range(begin + 1, self.terminal.row))

    async def log_in(self, role: Role = "service", secret: str | None = None) -> None:
        await self.type(f"{role}\r")
        await self.type(f"{SECRETS[role] if secret is None else secret}\r")

    @property
    def prompt(self) -> str:
        """The row with the cursor."""
        return self.terminal.text(self.terminal.row)

    @property
    def output(self) -> bytes:
        """Everything that the client has read since it attached."""
        return bytes(self.line.received)

    def log_entries(self, *kinds: str) -> list[dict[str, Any]]:
        """The entries of the console log, of these kinds or all."""
        path = self.folder / ".lapel" / "console.jsonl"
        entries = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        return [one for one in entries if not kinds or one["kind"] in kinds]

    @property
    def executed(self) -> list[str]:
        """The commands in the console log."""
        return [one["line"] for one in self.log_entries("command")]

    @property
    def errors(self) -> list[str]:
        """The camera's log lines of level error: internal errors of the console are among them."""
        return [line.text for line in self.log.newest(2_000) if line.level == "error"]


def run_steps(folder: Path, steps: Callable[[Harness], Coroutine[Any, Any, T]], **options: Any) -> T:
    """Run a test's steps on a camera that was switched on 12 s ago and has no client yet."""

    async def program(clock: VirtualClock) -> T:
        harness = Harness(clock, folder, **options)
        harness.power_on()
        try:
            await clock.sleep(12)
            return await steps(harness)
        finally:
            await harness.power_off()
            harness.storage.close()

    return run_virtual(program)
