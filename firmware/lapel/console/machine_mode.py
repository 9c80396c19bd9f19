"""Machine mode as a program meets it: requests in, replies out, until `exit`. The lines themselves: `machine.py`."""

from collections.abc import AsyncIterator, Callable

from lapel.console import machine
from lapel.console.executor import CommandExecutor
from lapel.console.interface import Role
from lapel.errors import ConsoleError, MessageError
from lapel.hardware.interfaces import SerialLine

NOISE_LINES = 20
"""So many lines in a row that are no request are no program: it is logged out."""


class MachineMode:
    """Carries out one request after the other; the newest reply is kept for whoever lost it."""

    def __init__(self, carrier: CommandExecutor, line: SerialLine, role: Role, understood: Callable[[], None]) -> None:
        """`understood` is told of each line that was a request."""
        self._carrier, self._line, self._role, self._understood = carrier, line, role, understood
        self._newest: tuple[machine.Request, machine.Response] | None = None

    async def run(self, pieces: AsyncIterator[bytes]) -> bool:
        """Until `exit`; False when it was noise that ended it."""
        noise = 0
        self._respond(machine.Response(None, "done", data={"lapel-machine": 1, "role": self._role}))
        async for line in _lines(pieces):
            await self._line.drained()
            try:
                request = machine.request(line)
            except MessageError as error:
                noise += 1
                self._respond(machine.Response(None, "bad-line", str(error)[:200]))
                if noise >= NOISE_LINES:
                    return False
                continue
            noise = 0
            self._understood()
            if self._newest is None or self._newest[0] != request:
                self._newest = request, await self._reply_to(request)
            self._respond(self._newest[1])
            if _is_exit(request):
                break
        return True

    async def _reply_to(self, request: machine.Request) -> machine.Response:
        if _is_exit(request):
            return machine.Response(request.id, "done")
        try:
            if not request.command.strip():
                raise ConsoleError("command: is empty", "usage")
            parsed = await self._carrier.understand(request.command, self._role)
            answer = await self._carrier.carry_out(parsed, request.command, self._role, None)
        except ConsoleError as error:
            return machine.Response(request.id, error.result, str(error))
        return machine.Response(request.id, "done", data=answer.data)

    def _respond(self, reply: machine.Response) -> None:
        if not self._line.write(machine.encoded(reply)):
            self._line.write(
                machine.encoded(machine.Response(reply.id, "failed", "the answer is too long: ask for less"))
            )


def _is_exit(request: machine.Request) -> bool:
    return request.command.strip() == "exit"


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Whole lines. One that is too long is handed on cut off, and its rest skipped."""
    held, skipping = b"", False
    async for data in pieces:
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
