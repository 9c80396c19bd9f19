"""Machine mode: executes a program's requests and sends responses, until `exit`. Line format: `machine_protocol.py`."""

from collections.abc import AsyncIterator, Callable

from lapel.console.executor import CommandExecutor
from lapel.console.interface import Role
from lapel.console.machine_protocol import LINE_MAX_BYTES, Request, Response, decode_request, encode
from lapel.errors import ConsoleError, MessageError
from lapel.hardware.interfaces import SerialLine

NOISE_LINES = 20
"""After this many consecutive invalid lines the client is taken for noise and logged out."""


class MachineMode:
    """Executes one request at a time; keeps the newest response in case it is lost on the line."""

    def __init__(self, executor: CommandExecutor, line: SerialLine, role: Role, on_request: Callable[[], None]) -> None:
        """`on_request` is called for each valid request."""
        self._executor, self._line, self._role, self._on_request = executor, line, role, on_request
        self._newest: tuple[Request, Response] | None = None

    async def run(self, pieces: AsyncIterator[bytes]) -> bool:
        """Serve until `exit`; False when noise ended it."""
        invalid = 0
        self._send(Response(None, "done", data={"lapel-machine": 1, "role": self._role}))
        async for line in _lines(pieces):
            await self._line.drained()
            try:
                request = decode_request(line)
            except MessageError as error:
                invalid += 1
                self._send(Response(None, "bad-line", str(error)[:200]))
                if invalid >= NOISE_LINES:
                    return False
                continue
            invalid = 0
            self._on_request()
            if self._newest is None or self._newest[0] != request:
                self._newest = request, await self._response_to(request)
            self._send(self._newest[1])
            if _is_exit(request):
                break
        return True

    async def _response_to(self, request: Request) -> Response:
        if _is_exit(request):
            return Response(request.id, "done")
        try:
            if not request.command.strip():
                raise ConsoleError("command: is empty", "usage")
            parsed = await self._executor.parse(request.command, self._role)
            answer = await self._executor.execute(parsed, request.command, self._role, None)
        except ConsoleError as error:
            return Response(request.id, error.result, str(error))
        return Response(request.id, "done", data=answer.data)

    def _send(self, response: Response) -> None:
        if not self._line.write(encode(response)):
            self._line.write(encode(Response(response.id, "failed", "the response is too long; request less")))


def _is_exit(request: Request) -> bool:
    return request.command.strip() == "exit"


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Complete lines. Of a line that is too long only the beginning is delivered."""
    buffered, skipping = b"", False
    async for data in pieces:
        buffered += data.replace(b"\r", b"\n")
        *lines, buffered = buffered.split(b"\n")
        for line in lines:
            if line.strip() and not skipping:
                yield line
            skipping = False
        if len(buffered) > LINE_MAX_BYTES:
            if not skipping:
                yield buffered[: LINE_MAX_BYTES + 1]
            buffered, skipping = b"", True
