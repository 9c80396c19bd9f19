"""A session: one client of the console, from its arrival on the serial line until it hangs up.

Three tasks run side by side: reading input, serving commands, watching for idleness. Hanging up logs the user out. A
session reaches the camera only through its `ConsoleCamera`.
"""

import asyncio
from pathlib import Path

import msgspec

from lapel import __version__
from lapel.console.client_input import ClientInput
from lapel.console.command_parser import CommandTable
from lapel.console.editor import LineEditor
from lapel.console.executor import CommandExecutor, log_internal_error
from lapel.console.interface import Role
from lapel.console.invocation import ConsoleServices
from lapel.console.layout import Block, Text, length
from lapel.console.log_display import LogDisplay
from lapel.console.login_dialog import LoginDialog
from lapel.console.machine_mode import NOISE_LINES, MachineMode
from lapel.console.screen import Screen
from lapel.console.transfer import Zmodem
from lapel.errors import ConsoleError, LapelError
from lapel.hardware.interfaces import SerialLine
from lapel.logs import Level
from lapel.sanitize import plain

_PAUSE_AFTER_FAULT_S = 1.0


class Session:
    """One client's session. Implements `lapel.console.invocation.InteractiveSession`."""

    def __init__(self, services: ConsoleServices, commands: CommandTable, line: SerialLine, idle_s: float) -> None:
        self._services, self._commands, self._line = services, commands, line
        self._camera, self._clock = services.camera, services.clock
        self._idle_s, self._idle_since_s = idle_s, services.clock.mono_s()
        self._screen = Screen(line)
        self._editor = LineEditor(self._screen.write, lambda: self._screen.columns)
        self._executor = CommandExecutor(services, commands)
        self._input = ClientInput(line, self._clock, self._screen, self._executor)
        self._log = LogDisplay(self._editor, self._screen, self._executor, self._prompt, self._wants_log)
        self._login = LoginDialog(services, self, line.name)
        self._role: Role | None = None
        self._logging_out = self._machine_mode_next = False

    async def run(self) -> None:
        """Serve until the client hangs up. A user who is logged out for idleness may log in again."""
        reading = asyncio.create_task(self._input.receive(), name="console-read")
        try:
            with self._camera.log.follow(self._log.add):
                while not reading.done():
                    await self._serve_until_idle(reading)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await self._end_login("hang-up")

    async def _serve_until_idle(self, reading: "asyncio.Task[None]") -> None:
        serving = asyncio.create_task(self._serve(), name="console-serve")
        idling = asyncio.create_task(self._wait_until_idle(), name="console-idle")
        try:
            await asyncio.wait({reading, serving, idling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            serving.cancel()
            idling.cancel()
            served, _ = await asyncio.gather(serving, idling, return_exceptions=True)
        if reading.done():
            return
        self._line.discard()
        self._input.clear()
        if isinstance(served, Exception):
            await self._recover_from(served)
        else:
            self._screen.write(f"\r\nlogged out: no command for {length(self._idle_s)}\r\n")
            await self._end_login("idle")

    async def _recover_from(self, error: Exception) -> None:
        """Log the user out and go on: a bug in Lapel must not make the service port unusable."""
        await self._end_login("fault")
        if isinstance(error, LapelError):
            self.show(Text(str(error), "bad"))
        else:
            log_internal_error(self._camera.log, error)
            self.show(Text("internal error, details are in the log; log in again", "bad"))
        await self._clock.sleep(_PAUSE_AFTER_FAULT_S)

    async def _wait_until_idle(self) -> None:
        while self._role is None or self._clock.mono_s() < self._idle_since_s + self._idle_s:
            left_s = self._idle_since_s + self._idle_s - self._clock.mono_s()
            await self._clock.sleep(left_s if left_s > 0 else self._idle_s)

    def _restart_idle_time(self) -> None:
        self._idle_since_s = self._clock.mono_s()

    async def _end_login(self, why: str) -> None:
        role, self._role = self._role, None
        if role is not None:
            await self._services.console_log.append("logout", role=role, why=why)

    # -- login and commands ------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        while True:
            self.show(
                Text(f"Lapel {__version__}  {self._camera.overview().camera}"),
                Text("For authorised technicians."),
                Text("All activity is logged."),
            )
            while (role := await self._try_login()) is None:
                pass
            self._restart_idle_time()
            self._role, self._logging_out = role, False
            self._screen.query_width()
            await self._serve_commands(role)
            await self._end_login("exit")

    async def _try_login(self) -> Role | None:
        await self._screen.drained()
        try:
            return await self._login.log_in()
        except LapelError as error:
            self.show(Text(str(error), "bad"))
            return None

    async def _serve_commands(self, role: Role) -> None:
        """Execute command after command, until `exit`, ^D or too much noise."""
        self._log.discard()
        invalid = 0
        while not self._logging_out:
            await self._screen.drained()
            if dropped := self._screen.take_dropped():
                self._screen.write(f"({dropped} lines were not shown: the serial line was busy)\r\n")
            line = await self._read_command()
            if line is None:
                return
            if line.strip():
                invalid = 0 if await self._execute(line, role) else invalid + 1
            if invalid >= NOISE_LINES:
                self.show(Text(f"logged out: {NOISE_LINES} lines in a row were not valid commands", "bad"))
                return
            if self._machine_mode_next:
                self._machine_mode_next = False
                if not await self._run_machine_mode(role):
                    return

    async def _read_command(self) -> str | None:
        """The next line; None at ^D."""
        self._editor.begin(self._prompt())
        self._log.show_pending()
        while True:
            match self._editor.press(await self.read_key()):
                case "line":
                    return self._editor.text
                case "end":
                    return None
                case "interrupt":
                    self._editor.begin(self._prompt())
                case "complete":
                    self._complete()
                case "help":
                    self._show_help()
                case "redraw":
                    self._screen.query_width()
                    self._editor.redraw()

    def _wants_log(self) -> bool:
        return self._role is not None and not self._input.is_raw

    def _prompt(self) -> str:
        overview = self._camera.overview()
        return f"{plain(overview.camera)} {overview.state}> "

    def _complete(self) -> None:
        completion = self._commands.complete(self._editor.text_before_cursor, self._camera)
        if completion.add:
            self._editor.insert(completion.add)
        elif completion.choices:
            self._editor.show_above(self._screen.lines([Text("  ".join(completion.choices))]))

    def _show_help(self) -> None:
        try:
            blocks = self._commands.help(self._editor.text_before_cursor)
        except ConsoleError as error:
            blocks = (Text(str(error), "bad"),)
        self._editor.show_above(self._screen.lines(blocks))

    async def _execute(self, line: str, role: Role) -> bool:
        """Execute a line and show its result. False when it was no valid command."""
        try:
            parsed = await self._executor.parse(line, role)
        except ConsoleError as error:
            self.show(Text(str(error), "bad"))
            return False
        self._restart_idle_time()
        if parsed.help:
            self.show(*self._commands.help(parsed.name))
            return True
        try:
            answer = await self._executor.execute(parsed, line, role, self)
        except ConsoleError as error:
            self.show(Text(str(error), "bad"))
            return True
        finally:
            self._restart_idle_time()
        if parsed.json:
            self._screen.write(msgspec.json.encode(answer.data).decode() + "\r\n")
        else:
            self.show(*answer.blocks)
        return True

    async def _run_machine_mode(self, role: Role) -> bool:
        """False when noise ended it rather than the program's `exit`."""
        mode = MachineMode(self._executor, self._line, role, on_request=self._restart_idle_time)
        with self._input.raw() as pieces:
            return await mode.run(pieces)

    # -- for commands: see `InteractiveSession` ----------------------------------------------------------------------

    def show(self, *blocks: Block) -> None:
        """See `InteractiveSession.show`."""
        self._screen.show(*blocks)

    async def read_key(self) -> str:
        """See `InteractiveSession.read_key`."""
        return await self._input.read_key()

    async def read_line(self, prompt: str, *, echo: bool = True) -> str:
        """See `InteractiveSession.read_line`."""
        self._editor.begin(prompt, echo=echo)
        while True:
            match self._editor.press(await self.read_key()):
                case "line":
                    return self._editor.text
                case "interrupt" | "end":
                    raise ConsoleError("interrupted", "refused")
                case "redraw":
                    self._screen.query_width()
                    self._editor.redraw()
                case "help":
                    self._editor.insert("?")
                case "complete":
                    pass

    def set_log_level(self, level: Level | None) -> None:
        """See `InteractiveSession.set_log_level`."""
        self._log.level = level

    def discard_pending_log(self) -> None:
        """See `InteractiveSession.discard_pending_log`."""
        self._log.discard()

    def resize(self, columns: int | None, colour: bool | None) -> None:
        """See `InteractiveSession.resize`."""
        if columns is None and colour is None:
            self._screen.query_width()
        self._screen.columns = columns or self._screen.columns
        self._screen.colour = self._screen.colour if colour is None else colour

    def terminal(self) -> tuple[int, bool]:
        """See `InteractiveSession.terminal`."""
        return self._screen.columns, self._screen.colour

    def log_out(self) -> None:
        """See `InteractiveSession.log_out`."""
        self._logging_out = True

    def begin_machine_mode(self) -> None:
        """See `InteractiveSession.begin_machine_mode`."""
        self._machine_mode_next = True

    async def send_file(self, path: Path, limit_s: float) -> float:
        """See `InteractiveSession.send_file`. Shows the expected time first; nothing else is shown meanwhile."""
        transfer = Zmodem(self._clock, self._services.worker, self._line, path, limit_s)
        self.show(Text(await transfer.announcement()))
        await self._screen.drained()
        self._idle_since_s = self._clock.mono_s() + transfer.longest_s
        with self._input.raw() as pieces:
            return await transfer.run(pieces)
