"""The technician's console of a simulated camera: the firmware's own, on any line, from whenever somebody wants it.

It follows the camera: a restart puts another one behind the same desk, as on a real camera. Without power nobody
answers and what is typed is lost; with it a console begins anew, and knows what a camera keeps on its flash: secrets,
record, a change that waits to be confirmed.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lapel.check import Check
from lapel.clock import iso
from lapel.console.candidate import CandidateConfig, UnconfirmedFile
from lapel.console.interface import ConsoleCamera, NetworkStatus, Outcome, Role
from lapel.console.login import LoginGuard, Secrets
from lapel.console.shell import IDLE_S, Console
from lapel.console_access import CameraAccess
from lapel.errors import ConsoleError
from lapel.hardware.interfaces import SerialLine
from lapel.link.messages import Command
from lapel.recording import Account
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.hardware.storage import CARD
from lapel_fleet.time.simulated_clock import SimulatedClock

_ENTRIES_KEPT = 1_000


class SimulatedConsole:
    """A console on one camera while the block runs: `async with SimulatedConsole(camera, line) as console`. Raises
    ConsoleError where there is one: a camera has one service port.

    Implements `lapel_fleet.cameras.camera.AttachedConsole`.
    """

    def __init__(self, camera: SimulatedCamera, line: SerialLine, *, idle_s: float = IDLE_S) -> None:
        """`line` stays the caller's, who closes it. `idle_s`: seconds of the camera's time, which may run fast, after
        which a technician counts as gone.
        """
        self.line, self.record = line, MemoryConsoleLog(camera.clock)
        self._camera, self._idle_s = camera, idle_s
        self._worker = camera.environment.worker
        self._door = LoginGuard(Secrets(None), camera.clock, self._worker)
        self._note = UnconfirmedFile()
        self._desk: SimulatedCameraAccess | None = None
        self._turned = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "SimulatedConsole":
        if self._camera.plugged is not None:
            raise ConsoleError(f"{self._camera.name}: somebody is at its service port already", "refused")
        self._camera.plugged = self
        if self._camera.is_on and self._camera.camera is not None:
            self.seat()
        self._serving = asyncio.create_task(self._serve(), name="service port")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._camera.plugged = None
        self.end()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])

    def let_in_once(self, role: Role = "service") -> str:
        """A secret with which that role may log in, once. It is told here and nowhere else; a new one replaces it."""
        secret = secrets.token_hex(8)
        self._door.allow_once(role, secret)
        return secret

    @property
    def desk(self) -> ConsoleCamera | None:
        """The camera as its technician meets it; None while it is off."""
        return self._desk

    @property
    def awaits_confirmation(self) -> bool:
        """Whether a change of the configuration will be taken back unless somebody confirms it."""
        return self._note.load() is not None

    # -- what the camera tells -----------------------------------------------------------------------------------------

    def seat(self) -> None:
        """See `AttachedConsole.seat`."""
        camera, desk = self._camera, self._desk
        assert camera.camera is not None
        if desk is None or desk.log is not camera.camera.log:
            desk = self._desk = SimulatedCameraAccess(camera)
            self._turned.set()
        desk.listen(camera.tap)
        desk.sit(camera.camera, camera.settings, CardOfCamera(camera), camera.worker)

    def end(self) -> None:
        """See `AttachedConsole.end`."""
        if self._desk is not None:
            self._camera.tap.intercept = self._desk = None
        self._turned.set()

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """One life of the camera after the other, and the time between them."""
        while True:
            self._turned.clear()
            answering = self._console(self._desk).run() if self._desk is not None else _nobody(self.line)
            at_line = asyncio.create_task(answering, name="console")
            try:
                await self._turned.wait()
            finally:
                at_line.cancel()
                await asyncio.wait([at_line])

    def _console(self, desk: "SimulatedCameraAccess") -> Console:
        clock, worker = self._camera.clock, self._worker
        candidate = CandidateConfig(desk, clock, worker, self._note)
        return Console(
            self.line, desk, clock, worker,
            login=self._door, console_log=self.record, candidate=candidate, idle_s=self._idle_s,
        )  # fmt: skip


async def _nobody(line: SerialLine) -> None:
    """Nobody answers."""
    while True:
        await line.attached()
        while await line.read():
            pass


class SimulatedCameraAccess(CameraAccess):
    """A desk at a camera whose clock is its own and whose line to the broker is the simulator's."""

    def __init__(self, camera: SimulatedCamera) -> None:
        assert camera.camera is not None
        super().__init__(camera.clock, camera.camera.log, step_clock=camera.set_clock)
        self._simulated = camera

    def network(self) -> NetworkStatus:
        """See `ConsoleCamera.network`."""
        return msgspec.structs.replace(super().network(), broker=self._simulated.network.address)

    async def probe(self) -> Sequence[Check]:
        """See `ConsoleCamera.probe`."""
        return await self._simulated.network.probe(self._probe_id)

    async def _command(self, command: Command) -> Outcome:
        """What a technician does here goes into the camera's truth."""
        self._simulated.requested_at_console(command)
        return await super()._command(command)


class CardOfCamera:
    """Implements `lapel.console_access.EvidenceCard`: a simulated camera's storage card."""

    root = CARD

    def __init__(self, camera: SimulatedCamera) -> None:
        self._camera = camera

    def check(self) -> None:
        """See `EvidenceCard.check`."""
        self._camera.storage.check()

    def free_bytes(self) -> int:
        """See `EvidenceCard.free_bytes`."""
        return self._camera.storage.free_bytes()

    def listing(self) -> list[Account]:
        """See `EvidenceCard.listing`."""
        return self._camera.contents.listing()

    def video(self, recording: str) -> Path:
        """See `EvidenceCard.video`."""
        return self._camera.contents.file(recording)


class MemoryConsoleLog:
    """Implements `lapel.console.console_log.ConsoleLog`: the newest entries, for as long as the console is there."""

    write_error = ""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self.entries: deque[dict[str, str | float | bool]] = deque(maxlen=_ENTRIES_KEPT)

    async def append(self, kind: str, **detail: str | float | bool | None) -> None:
        """See `ConsoleLog.append`."""
        said = {key: value for key, value in detail.items() if value is not None}
        self.entries.append({"at": iso(self._clock.now().utc), "kind": kind, **said})
