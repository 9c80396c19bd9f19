"""The console of one camera: waits for somebody, asks who it is, carries out what is typed. For as long as it runs.

Three things happen at once while somebody is there: keys are read, commands are served, idleness is watched. Whoever
hangs up is logged out; nothing that happens here reaches the camera but through its desk.
"""

import asyncio
from collections import deque
from pathlib import Path

import msgspec

from lapel import __version__
from lapel.clock import Clock
from lapel.console.candidate import Candidate
from lapel.console.command import Table, all_commands
from lapel.console.console_log import ConsoleLog
from lapel.console.editor import LineEditor
from lapel.console.executor import CommandExecutor, tell_fault
from lapel.console.interface import ConsoleCamera, Role
from lapel.console.invocation import Means
from lapel.console.keys import Keys, RawInput, TypeAhead
from lapel.console.layout import STYLES, Block, Text, length
from lapel.console.login import LoginGuard
from lapel.console.login_dialog import LoginDialog
from lapel.console.machine_mode import NOISE_LINES, MachineMode
from lapel.console.screen import Screen
from lapel.console.transfer import Zmodem
from lapel.errors import ConsoleError, LapelError
from lapel.hardware.interfaces import SerialLine
from lapel.logs import LEVELS, Level, LogLine
from lapel.sanitize import plain
from lapel.worker import Worker

IDLE_S = 600.0
"""Seconds without a command after which a technician counts as gone. Not without a key: noise types, too."""
_LINES_HELD = 200
_MUCH_BYTES = 1_024
_BREATHER_S = 0.05
"""After so many bytes at once, this long for others. No UART is as quick; noise on a pty or a USB gadget is quicker."""
_FAULT_S = 1.0
_CTRL_C = b"\x03"
"""By itself it comes from a person, even where a program is expected: a receiver that was never started."""


class Console:
    """The service port of one camera."""

    def __init__(
        self,
        line: SerialLine,
        desk: ConsoleCamera,
        clock: Clock,
        worker: Worker,
        *,
        door: LoginGuard,
        record: ConsoleLog,
        candidate: Candidate | None = None,
        table: Table | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        """Everything is passed in; `table` is every command there is."""
        self.line, self.idle_s = line, idle_s
        self.means = Means(
            desk, clock, worker, record, candidate or Candidate(desk, clock, worker), door, table or all_commands()
        )

    async def run(self) -> None:
        """One visit after the other, until cancelled. The line is left to whoever opened it."""
        try:
            await self.means.candidate.resume()
            while True:
                await self.line.attached()
                await Visit(self.means, self.line, self.idle_s).run()
        finally:
            await self.means.candidate.close()


class Visit:
    """From somebody's coming to their hanging up. Implements `lapel.console.invocation.Seat`."""

    def __init__(self, means: Means, line: SerialLine, idle_s: float) -> None:
        self._on, self._line, self._clock = means, line, means.clock
        self._idle_s, self._idle_from_s = idle_s, means.clock.mono_s()
        self._screen = Screen(line)
        self._editor = LineEditor(self._screen.write, lambda: self._screen.columns)
        self._entrance = LoginDialog(means, self, line.name)
        self._carrier = CommandExecutor(means)
        self._decoder, self._keys = Keys(), TypeAhead()
        self._raw: RawInput | None = None
        self._held: deque[LogLine] = deque(maxlen=_LINES_HELD)
        self._role: Role | None = None
        self._leaving = self._machine_next = False
        self.log_level: Level | None = "warning"

    async def run(self) -> None:
        """Serve until the line hangs up; an idle technician is logged out and may log in again."""
        reading = asyncio.create_task(self._read(), name="console-read")
        try:
            with self._on.desk.log.followed(self._hear):
                while not reading.done():
                    await self._serve_until_idle(reading)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await self._log_out("hang-up")

    async def _serve_until_idle(self, reading: "asyncio.Task[None]") -> None:
        serving = asyncio.create_task(self._serve(), name="console-serve")
        idling = asyncio.create_task(self._idle(), name="console-idle")
        try:
            await asyncio.wait({reading, serving, idling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            serving.cancel()
            idling.cancel()
            served, _ = await asyncio.gather(serving, idling, return_exceptions=True)
            self._raw = None
        if reading.done():
            return
        self._line.discard()
        self._keys.clear()
        if isinstance(served, Exception):
            await self._recover_from(served)
        else:
            self._screen.write(f"\r\nlogged out: no command for {length(self._idle_s)}\r\n")
            await self._log_out("idle")

    async def _recover_from(self, error: Exception) -> None:
        """Log out, and go on: a fault of ours must not take the service port away."""
        await self._log_out("fault")
        if isinstance(error, LapelError):
            self.show(Text(str(error), "bad"))
        else:
            tell_fault(self._on.desk.log, error)
            self.show(Text("a fault of Lapel's, which is in the log; log in again", "bad"))
        await self._clock.sleep(_FAULT_S)

    async def _idle(self) -> None:
        while self._role is None or self._clock.mono_s() < self._idle_from_s + self._idle_s:
            left_s = self._idle_from_s + self._idle_s - self._clock.mono_s()
            await self._clock.sleep(left_s if left_s > 0 else self._idle_s)

    def _is_at_work(self) -> None:
        self._idle_from_s = self._clock.mono_s()

    async def _log_out(self, why: str) -> None:
        role, self._role = self._role, None
        if role is not None:
            await self._on.record.put("logout", role=role, why=why)

    # -- keys --------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Everything that comes in, until the other end hangs up. Waits for nobody: else a hang-up could go unseen, and
        whoever comes next would be in this visit.
        """
        while data := await self._line.read():
            if self._raw is not None and not (self._carrier.is_busy and data == _CTRL_C):
                self._raw.put(data)
            else:
                dropped = [key for key in self._decoder.feed(data) if not self._take(key)]
                if dropped and not self._screen.is_busy():
                    self._screen.write("\a")
            await self._clock.sleep(_BREATHER_S if len(data) > _MUCH_BYTES else 0)

    def _take(self, key: str) -> bool:
        """Whether there was room for it."""
        if key.startswith("column ") and len(key) > 7:
            self._screen.width_told(int(key[7:]) if key[7:].isdigit() else 0)
            return True
        if key == "interrupt" and self._carrier.is_busy:
            self._keys.clear()
            self._carrier.break_off()
            return True
        return self._keys.put(key)

    async def key(self) -> str:
        """The next key."""
        return await self._keys.get()

    async def ask(self, prompt: str, *, echo: bool = True) -> str:
        """A line, typed at `prompt`."""
        self._editor.begin(prompt, echo=echo)
        while True:
            match self._editor.press(await self.key()):
                case "line":
                    return self._editor.text
                case "interrupt" | "end":
                    raise ConsoleError("broken off", "refused")
                case "redraw":
                    self._screen.ask_width()
                    self._editor.redraw()
                case "help":
                    self._editor.insert("?")
                case "complete":
                    pass

    # -- commands ----------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        while True:
            self.show(
                Text(f"Lapel {__version__}  {self._on.desk.standing().camera}"),
                Text("For authorised technicians."),
                Text("What is done here goes on record."),
            )
            while (role := await self._let_in()) is None:
                pass
            self._is_at_work()
            self._role, self._leaving = role, False
            self._screen.ask_width()
            await self._work(role)
            await self._log_out("exit")

    async def _let_in(self) -> Role | None:
        await self._screen.drained()
        try:
            return await self._entrance.log_in()
        except LapelError as error:
            self.show(Text(str(error), "bad"))
            return None

    async def _work(self, role: Role) -> None:
        """Command after command, until `exit`, ^D or too much noise."""
        self._held.clear()
        misunderstood = 0
        while not self._leaving:
            await self._screen.drained()
            if missed := self._screen.take_missed():
                self._screen.write(f"({missed} lines were not shown: the line did not take them)\r\n")
            line = await self._read_command()
            if line is None:
                return
            if line.strip():
                misunderstood = 0 if await self._obey(line, role) else misunderstood + 1
            if misunderstood >= NOISE_LINES:
                self.show(Text(f"logged out: {NOISE_LINES} lines in a row were no commands", "bad"))
                return
            if self._machine_next:
                self._machine_next = False
                if not await self._machine_mode(role):
                    return

    async def _read_command(self) -> str | None:
        self._editor.begin(self._prompt())
        self._tell_held()
        while True:
            match self._editor.press(await self.key()):
                case "line":
                    return self._editor.text
                case "end":
                    return None
                case "interrupt":
                    self._editor.begin(self._prompt())
                case "complete":
                    self._complete()
                case "help":
                    self._help()
                case "redraw":
                    self._screen.ask_width()
                    self._editor.redraw()

    def _prompt(self) -> str:
        standing = self._on.desk.standing()
        return f"{plain(standing.camera)} {standing.state}> "

    def _complete(self) -> None:
        typed = self._editor.text[: self._editor.cursor]
        completion = self._on.table.complete(typed, self._on.desk)
        if completion.add:
            self._editor.insert(completion.add)
        elif completion.choices:
            self._editor.above(self._screen.lines([Text("  ".join(completion.choices))]))

    def _help(self) -> None:
        try:
            blocks = self._on.table.help(self._editor.text[: self._editor.cursor])
        except ConsoleError as error:
            blocks = (Text(str(error), "bad"),)
        self._editor.above(self._screen.lines(blocks))

    async def _obey(self, line: str, role: Role) -> bool:
        """Whether it was a command, carried out or not."""
        try:
            parsed = await self._carrier.understand(line, role)
        except ConsoleError as error:
            self.show(Text(str(error), "bad"))
            return False
        self._is_at_work()
        if parsed.help:
            self.show(*self._on.table.help(parsed.name))
            return True
        try:
            answer = await self._carrier.carry_out(parsed, line, role, self)
        except ConsoleError as error:
            self.show(Text(str(error), "bad"))
            return True
        finally:
            self._is_at_work()
        if parsed.json:
            self._screen.write(msgspec.json.encode(answer.data).decode() + "\r\n")
        else:
            self.show(*answer.blocks)
        return True

    async def _machine_mode(self, role: Role) -> bool:
        """Whether the program said goodbye, rather than turned out to be noise."""
        self._raw = RawInput()
        try:
            return await MachineMode(self._carrier, self._line, role, self._is_at_work).run(self._raw.pieces())
        finally:
            self._raw = None

    # -- what the camera says meanwhile ------------------------------------------------------------------------------

    def _hear(self, line: LogLine) -> None:
        """The camera is speaking, and must not be made to wait or stumble: it is told later."""
        if self._role is None or self._raw is not None:
            return
        if len(self._held) == _LINES_HELD:
            self._screen.miss()
        self._held.append(line)
        asyncio.get_running_loop().call_soon(self._tell_held)

    def _tell_held(self) -> None:
        """Above the line being typed; while a command runs they wait."""
        while self._held and self._role and self._editor.active and not self._carrier.is_busy:
            self._tell(self._held.popleft())

    def _tell(self, line: LogLine) -> None:
        """Never where the line is busy."""
        self._editor.change_prompt(self._prompt())
        if self.log_level is None or LEVELS.index(line.level) < LEVELS.index(self.log_level):
            return
        if self._screen.is_busy():
            self._screen.miss()
            return
        self._editor.above(self._screen.lines([Text(f"{line.at.utc:%H:%M:%S} {line.text}", STYLES[line.level])]))

    # -- what commands may ask of a seat -----------------------------------------------------------------------------

    def show(self, *blocks: Block) -> None:
        """Say it now."""
        self._screen.show(*blocks)

    def caught_up(self) -> None:
        """What the camera said up to now has been seen."""
        self._held.clear()

    def resize(self, columns: int | None, colour: bool | None) -> None:
        """Set width or colour; without either, ask the terminal."""
        if columns is None and colour is None:
            self._screen.ask_width()
        self._screen.columns = columns or self._screen.columns
        self._screen.colour = self._screen.colour if colour is None else colour

    def terminal(self) -> tuple[int, bool]:
        """Columns, and whether it shows colours."""
        return self._screen.columns, self._screen.colour

    def leave(self) -> None:
        """Log out after this command."""
        self._leaving = True

    def begin_machine_mode(self) -> None:
        """After this command."""
        self._machine_next = True

    async def send_file(self, path: Path, limit_s: float) -> float:
        """Time first, then the file; meanwhile nothing else is said."""
        sending = Zmodem(self._clock, self._on.worker, self._line, path, limit_s)
        self.show(Text(await sending.announcement()))
        await self._screen.drained()
        self._raw = RawInput()
        self._idle_from_s = self._clock.mono_s() + sending.longest_s
        try:
            return await sending.run(self._raw.pieces())
        finally:
            self._raw = None
