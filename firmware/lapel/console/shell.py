"""The console of one camera: waits for somebody, asks who it is, carries out what is typed. For as long as it runs.

Three things happen at once while somebody is there: keys are read, commands are served, idleness is watched. Whoever
hangs up is logged out; nothing that happens here reaches the camera but through its desk.
"""

import asyncio
import contextlib
import traceback
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import msgspec

from lapel import __version__
from lapel.clock import Clock
from lapel.console import machine
from lapel.console.call import Call
from lapel.console.candidate import Candidate
from lapel.console.command import Answer, Parsed, Table, all_commands
from lapel.console.editor import LineEditor
from lapel.console.interface import ROLES, Desk, Role
from lapel.console.keys import Keys
from lapel.console.layout import STYLES, Block, Text, length, size
from lapel.console.login import Door, weak
from lapel.console.record import Record
from lapel.console.screen import Screen
from lapel.console.transfer import Zmodem, seconds_for
from lapel.errors import ConsoleError, LapelError, MessageError
from lapel.hardware.interfaces import SerialLine
from lapel.logs import LEVELS, Level, LogLine
from lapel.plain import plain
from lapel.worker import Worker

IDLE_S = 600.0
"""Seconds without a key after which a technician counts as gone."""
_KEYS_AHEAD = 4_096
_LINES_HELD = 200
_PRESENCE_S = 30.0


class Console:
    """The service port of one camera."""

    def __init__(
        self,
        line: SerialLine,
        desk: Desk,
        clock: Clock,
        worker: Worker,
        *,
        door: Door,
        record: Record,
        table: Table | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        """Everything is passed in; `table` is every command there is."""
        self.line, self.desk, self.clock, self.worker = line, desk, clock, worker
        self.door, self.record, self.idle_s = door, record, idle_s
        self.table = table or all_commands()
        self.candidate = Candidate(desk, clock)

    async def run(self) -> None:
        """One visit after the other, until cancelled."""
        try:
            while True:
                await self.line.attached()
                await Visit(self).run()
        finally:
            self.candidate.close()
            self.line.close()


class Visit:
    """From somebody's coming to their hanging up. Implements `lapel.console.call.Seat`."""

    def __init__(self, console: Console) -> None:
        self._on = console
        self._line, self._clock = console.line, console.clock
        self._screen = Screen(console.line)
        self._editor = LineEditor(self._screen.write, lambda: self._screen.columns)
        self._decoder = Keys()
        self._keys: asyncio.Queue[str] = asyncio.Queue(_KEYS_AHEAD)
        self._raw: asyncio.Queue[bytes] | None = None
        self._held: deque[LogLine] = deque(maxlen=_LINES_HELD)
        self._last_key_s = self._clock.mono_s()
        self._command: asyncio.Task[Answer] | None = None
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
        tasks = [
            asyncio.create_task(self._serve(), name="console-serve"),
            asyncio.create_task(self._idle(), name="console-idle"),
        ]
        try:
            await asyncio.wait({reading, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                self._tell_fault(result)
        if not reading.done() and self._role is not None:
            self._line.discard()
            self._raw = None
            self._screen.write("\r\nlogged out: nobody typed anything\r\n")
            await self._log_out("idle")

    async def _idle(self) -> None:
        while self._role is None or self._clock.mono_s() < self._last_key_s + self._on.idle_s:
            left_s = self._last_key_s + self._on.idle_s - self._clock.mono_s()
            await self._clock.sleep(left_s if left_s > 0 else self._on.idle_s)

    async def _log_out(self, why: str) -> None:
        role, self._role = self._role, None
        if role is not None:
            await self._on.record.put("logout", role=role, why=why)

    # -- keys --------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Everything that comes in, until the other end hangs up."""
        while data := await self._line.read():
            self._last_key_s = self._clock.mono_s()
            if self._raw is not None:
                await self._raw.put(data)
                continue
            for key in self._decoder.feed(data):
                await self._take(key)
            await asyncio.sleep(0)  # noise without end leaves the loop to others

    async def _take(self, key: str) -> None:
        if key.startswith("column ") and len(key) > 7:
            self._screen.width_told(int(key[7:]) if key[7:].isdigit() else 0)
        elif self._command is None:
            await self._keys.put(key)
        elif key == "interrupt":
            self._command.cancel()
        elif not self._keys.full():
            self._keys.put_nowait(key)

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

    # -- login -------------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        while True:
            self._role = None
            self._screen.show(
                Text(f"Lapel {__version__}  {self._on.desk.standing().camera}"),
                Text("For authorised technicians. What is done here goes on record."),
            )
            while self._role is None:
                try:
                    role = await self._log_in()
                except (ConsoleError, LapelError) as error:
                    self._screen.show(Text(str(error), "bad"))
                    continue
                self._role = role
            self._leaving = False
            self._last_key_s = self._clock.mono_s()
            await self._on.record.put("login", role=self._role, line=self._line.name)
            self._screen.ask_width()
            await self._work(self._role)
            await self._log_out("exit")

    async def _log_in(self) -> Role | None:
        name = ""
        while not name:
            name = (await self.ask("login: ")).strip()
        role = next((one for one in ROLES if one == name), None)
        if name == "recover":
            await self._set_in_presence("service", "recover")
            return None
        if role is not None:
            standing = await self._on.door.standing(role)
            if standing == "unset":
                self._screen.show(Text(f"No secret is set for {role} yet."))
                await self._set_in_presence(role, "first secret")
                return None
            if standing == "locked":
                await self._unlock(role)
                return None
        verdict = await self._on.door.knock(name, await self.ask("secret: ", echo=False))
        if verdict == "open":
            return role
        await self._on.record.put("login-failed", role=name[:40], line=self._line.name, verdict=verdict)
        self._screen.show(Text("That is not right. Each wrong secret makes the next wait longer.", "bad"))
        return None

    async def _unlock(self, role: Role) -> None:
        self._screen.show(Text(f"{role} is locked after too many wrong secrets.", "bad"))
        await self._prove_presence()
        await self._on.door.forgive(role)
        await self._on.record.put("unlocked", role=role)
        self._screen.show(Text("Unlocked. Log in now; a forgotten secret is replaced with `recover`.", "good"))

    async def _set_in_presence(self, role: Role, why: str) -> None:
        await self._prove_presence()
        await self._on.door.set(role, await self._new_secret(role))
        await self._on.record.put("secret-set", role=role, why=why)
        self._screen.show(Text(f"The secret of {role} is set. Log in with it.", "good"))

    async def _prove_presence(self) -> None:
        self._screen.show(Text(self._on.desk.presence_hint))
        if not await self._on.desk.presence(_PRESENCE_S):
            raise ConsoleError("nobody is at the camera's button", "denied")

    async def _new_secret(self, role: Role) -> str:
        secret = await self.ask(f"new secret of {role}: ", echo=False)
        if trouble := weak(secret):
            raise ConsoleError(trouble, "usage")
        if await self.ask("once more: ", echo=False) != secret:
            raise ConsoleError("these were two different secrets", "usage")
        return secret

    # -- commands ----------------------------------------------------------------------------------------------------

    async def _work(self, role: Role) -> None:
        self._held.clear()
        while not self._leaving:
            await self._screen.drained()
            if missed := self._screen.take_missed():
                self._screen.write(f"({missed} lines were not shown: the line did not take them)\r\n")
            line = await self._read_command()
            if line is None:
                return
            if line.strip():
                await self._carry_out(line, role)
            if self._machine_next:
                self._machine_next = False
                await self._machine_mode(role)

    async def _read_command(self) -> str | None:
        self._editor.begin(self._prompt())
        while self._held:
            self._hear(self._held.popleft())
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

    async def _carry_out(self, line: str, role: Role) -> None:
        """Every end of a command is a line or more, never a traceback."""
        try:
            parsed = self._on.table.parse(line)
            if parsed.help:
                self._screen.show(*self._on.table.help(f"{parsed.noun.name} {parsed.verb.name}"))
                return
            answer = await self._answer(parsed, line, role, at_keys=True)
        except ConsoleError as error:
            if error.result == "usage":
                await self._on.record.put("mistyped", role=role, line=line[:200])
            self._screen.show(Text(str(error), "bad"))
            return
        if parsed.json:
            self._screen.write(msgspec.json.encode(answer.data).decode() + "\r\n")
        else:
            self._screen.show(*answer.blocks)

    async def _answer(self, parsed: Parsed, line: str, role: Role, *, at_keys: bool) -> Answer:
        """On record before it is done, and how it ended. Raises ConsoleError, whatever happens."""
        name = f"{parsed.noun.name} {parsed.verb.name}".strip()
        await self._on.record.put("command", role=role, line=line[:1000])
        try:
            self._allow(parsed, role, name, at_keys=at_keys)
            return await self._interruptible(parsed.verb.run(self._call(parsed, role, at_keys=at_keys)))
        except ConsoleError as error:
            await self._on.record.put("command-ended", line=line[:200], result=error.result, reason=str(error)[:400])
            raise
        except LapelError as error:
            await self._on.record.put("command-ended", line=line[:200], result="failed", reason=str(error)[:400])
            raise ConsoleError(str(error)) from error
        except Exception as error:
            self._tell_fault(error, show=False)
            raise ConsoleError(
                f"{name}: a fault of Lapel's ({type(error).__name__}), which is in the log; send a `support bundle`"
            ) from error

    def _allow(self, parsed: Parsed, role: Role, name: str, *, at_keys: bool) -> None:
        verb = parsed.verb
        if verb.role == "service" and role != "service":
            raise ConsoleError(f"{name}: is for the role service; log in as service", "denied")
        if verb.not_while_recording and self._on.desk.standing().state == "recording":
            raise ConsoleError(f"{name}: refused while the camera records; `record stop REASON` first", "refused")
        if verb.interactive and not at_keys:
            raise ConsoleError(f"{name}: needs somebody at the keys; not in machine mode", "refused")

    async def _interruptible(self, job: Awaitable[Answer]) -> Answer:
        """^C breaks it off; hanging up does too."""
        self._command = asyncio.ensure_future(job)
        try:
            await asyncio.wait({self._command})
            if self._command.cancelled():
                raise ConsoleError("broken off", "refused")
            return self._command.result()
        finally:
            self._command.cancel()
            self._command = None

    def _call(self, parsed: Parsed, role: Role, *, at_keys: bool) -> Call:
        on = self._on
        return Call(
            desk=on.desk,
            clock=on.clock,
            worker=on.worker,
            record=on.record,
            candidate=on.candidate,
            door=on.door,
            table=on.table,
            role=role,
            words=dict(parsed.words),
            seat=self if at_keys else None,
        )

    def _tell_fault(self, error: BaseException, *, show: bool = True) -> None:
        """A fault of ours: into the log, where a support bundle finds it."""
        for line in traceback.format_exception(error):
            self._on.desk.log.add("console: " + " ".join(line.split())[:400], "error")
        if show:
            self._screen.write("\r\na fault of Lapel's, which is in the log; log in again\r\n")

    # -- what the camera says meanwhile ------------------------------------------------------------------------------

    def _hear(self, line: LogLine) -> None:
        """Above the line being typed; behind a command that runs; never where the line is busy. Must not raise."""
        if self._role is None or self._raw is not None:
            return
        if self._command is not None or not self._editor.active:
            self._held.append(line)
            return
        if self._editor.echo:
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
        count = (await self._on.worker.run(path.stat)).st_size
        takes_s = seconds_for(count, self._line.baud)
        if takes_s > limit_s:
            raise ConsoleError(
                f"{path.name}: {size(count)} take {length(takes_s)}, more than {length(limit_s)};"
                " give --limit SECONDS, or use the dock",
                "refused",
            )
        self._screen.show(
            Text(f"{path.name}: {size(count)}, about {length(takes_s)}. Start receiving now (picocom: C-a C-r)."),
        )
        await self._screen.drained()
        self._raw = asyncio.Queue(64)
        try:
            return await Zmodem(self._clock).send(self._line, self._raw_bytes(), path, max(limit_s, takes_s))
        finally:
            self._raw = None

    async def _raw_bytes(self) -> AsyncIterator[bytes]:
        while self._raw is not None:
            yield await self._raw.get()

    # -- machine mode ------------------------------------------------------------------------------------------------

    async def _machine_mode(self, role: Role) -> None:
        """Requests and replies until `exit`; the newest reply is kept for whoever lost it."""
        self._raw = asyncio.Queue(64)
        newest: tuple[machine.Request, machine.Response] | None = None
        self._respond(machine.Response(None, "done", data={"lapel-machine": 1, "role": role}))
        try:
            async for line in self._machine_lines():
                try:
                    request = machine.request(line)
                except MessageError as error:
                    self._respond(machine.Response(None, "bad-line", str(error)[:200]))
                    continue
                if newest is not None and newest[0] == request:
                    self._respond(newest[1])
                    continue
                newest = request, await self._reply_to(request, role)
                self._respond(newest[1])
                if request.command.strip() == "exit":
                    return
        finally:
            self._raw = None

    async def _reply_to(self, request: machine.Request, role: Role) -> machine.Response:
        if request.command.strip() == "exit":
            return machine.Response(request.id, "done")
        try:
            if not request.command.strip():
                raise ConsoleError("command: is empty", "usage")
            parsed = self._on.table.parse(request.command)
            answer = await self._answer(parsed, request.command, role, at_keys=False)
        except ConsoleError as error:
            return machine.Response(request.id, error.result, str(error))
        return machine.Response(request.id, "done", data=answer.data)

    def _respond(self, reply: machine.Response) -> None:
        with contextlib.suppress(UnicodeEncodeError):
            self._line.write(machine.encoded(reply))

    async def _machine_lines(self) -> AsyncIterator[bytes]:
        """Whole lines. One that is too long is handed on cut off, and its rest skipped."""
        held, skipping = b"", False
        async for data in self._raw_bytes():
            held += data.replace(b"\r", b"\n")
            *lines, held = held.split(b"\n")
            for line in lines:
                if line.strip() and not skipping:
                    yield line
                skipping = False
            if len(held) > machine.LINE_MAX_BYTES:
                if not skipping:
                    yield held[: machine.LINE_MAX_BYTES + 1]
                held, skipping = b"", True
            await self._line.drained()
