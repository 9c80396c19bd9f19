"""The technician's console of a simulated camera: the firmware's own console, opened at any time on any serial line.

It follows the camera through restarts, as on a real camera. Without power there is no answer and what is typed is lost.
After power-on a new console starts, with what a camera keeps on its flash: secrets, the console log, a change that
waits to be confirmed.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from datetime import datetime
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
from lapel_fleet.hardware.memory_storage import CARD
from lapel_fleet.time.simulated_clock import SimulatedClock

_ENTRIES_KEPT = 1_000


class SimulatedConsole:
    """A console at one camera while the block runs: `async with SimulatedConsole(camera, line) as console`. Raises
    ConsoleError when one is open: a camera has one service port.

    Implements `lapel_fleet.cameras.camera.AttachedConsole`.
    """

    def __init__(self, camera: SimulatedCamera, line: SerialLine, *, idle_s: float = IDLE_S) -> None:
        """The caller closes `line`. `idle_s`: seconds without input until the technician is logged out, in the camera's
        time, which may run fast.
        """
        self.line, self.log = line, MemoryConsoleLog(camera.clock)
        self._camera, self._idle_s = camera, idle_s
        self._worker = camera.environment.worker
        self._login = LoginGuard(Secrets(None), camera.clock, self._worker)
        self._unconfirmed = UnconfirmedFile()
        self._access: SimulatedCameraAccess | None = None
        self._changed = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "SimulatedConsole":
        if self._camera.console is not None:
            raise ConsoleError(f"{self._camera.name}: its service port is in use", "refused")
        self._camera.console = self
        if self._camera.is_on and self._camera.camera is not None:
            self.on_start()
        self._serving = asyncio.create_task(self._serve(), name="service port")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._camera.console = None
        self.on_off()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])

    def allow_login_once(self, role: Role = "service") -> str:
        """Make a secret with which that role may log in once. It is stored nowhere; a new one replaces it."""
        secret = secrets.token_hex(8)
        self._login.allow_once(role, secret)
        return secret

    @property
    def access(self) -> ConsoleCamera | None:
        """The camera as its console sees it; None while it is off."""
        return self._access

    @property
    def awaits_confirmation(self) -> bool:
        """Whether a change of the configuration will be rolled back unless it is confirmed."""
        return self._unconfirmed.load() is not None

    # -- called by the camera -----------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """See `AttachedConsole.on_start`."""
        camera, access = self._camera, self._access
        assert camera.camera is not None
        if access is None or access.log is not camera.camera.log:
            access = self._access = SimulatedCameraAccess(camera)
            self._changed.set()
        access.intercept_tap(camera.tap)
        access.attach(camera.camera, camera.settings, CardAccess(camera), camera.storage_worker)

    def on_off(self) -> None:
        """See `AttachedConsole.on_off`."""
        if self._access is not None:
            self._camera.tap.intercept = self._access = None
        self._changed.set()

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Serve the line: a console while the camera is on, silence while it is off."""
        while True:
            self._changed.clear()
            serving = self._console(self._access).run() if self._access is not None else _discard_input(self.line)
            console = asyncio.create_task(serving, name="console")
            try:
                await self._changed.wait()
            finally:
                console.cancel()
                await asyncio.wait([console])

    def _console(self, access: "SimulatedCameraAccess") -> Console:
        clock, worker = self._camera.clock, self._worker
        candidate = CandidateConfig(access, clock, worker, self._unconfirmed)
        return Console(
            self.line, access, clock, worker,
            login=self._login, console_log=self.log, candidate=candidate, idle_s=self._idle_s,
        )  # fmt: skip


async def _discard_input(line: SerialLine) -> None:
    """Read and drop what is typed while the camera is off."""
    while True:
        await line.attached()
        while await line.read():
            pass


class SimulatedCameraAccess(CameraAccess):
    """Access to a camera with a clock of its own and a simulated network link."""

    def __init__(self, camera: SimulatedCamera) -> None:
        assert camera.camera is not None
        super().__init__(camera.clock, camera.camera.log, step_clock=camera.set_clock)
        self._simulated = camera

    def network(self) -> NetworkStatus:
        """See `ConsoleCamera.network`."""
        return msgspec.structs.replace(super().network(), broker=self._simulated.network.address)

    async def probe(self) -> Sequence[Check]:
        """See `ConsoleCamera.probe`."""
        return await self._simulated.network.probe(self._probe_client_id)

    async def _command(self, command: Command) -> Outcome:
        """Carry out a command, and write it into the camera's actual record."""
        self._simulated.on_console_command(command)
        return await super()._command(command)


class CardAccess:
    """Implements `lapel.console_readings.EvidenceStorage`: a simulated camera's storage card."""

    root = CARD

    def __init__(self, camera: SimulatedCamera) -> None:
        self._camera = camera

    def check(self) -> None:
        """See `EvidenceStorage.check`."""
        self._camera.storage.check()

    def free_bytes(self) -> int:
        """See `EvidenceStorage.free_bytes`."""
        return self._camera.storage.free_bytes()

    def listing(self) -> list[Account]:
        """See `EvidenceStorage.listing`."""
        return self._camera.card_contents.listing()

    def video(self, recording: str) -> Path:
        """See `EvidenceStorage.video`."""
        return self._camera.card_contents.file(recording)

    def why(self, at: datetime) -> str:
        """See `EvidenceStorage.why`."""
        return self._camera.card_contents.why(at)


class MemoryConsoleLog:
    """Implements `lapel.console.console_log.ConsoleLog`: the newest entries, while the console is open."""

    write_error = ""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self.entries: deque[dict[str, str | float | bool]] = deque(maxlen=_ENTRIES_KEPT)

    async def append(self, kind: str, **detail: str | float | bool | None) -> None:
        """See `ConsoleLog.append`."""
        given = {key: value for key, value in detail.items() if value is not None}
        self.entries.append({"at": iso(self._clock.now().utc), "kind": kind, **given})
