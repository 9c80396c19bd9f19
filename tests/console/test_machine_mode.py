"""Machine mode through the whole console: each line gets a response, whatever it is, and `exit` always works."""

import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from console.harness import Harness, run_steps
from console.terminals import DumbTerminal
from lapel.console.interface import Role
from lapel.console.machine_mode import NOISE_LINES
from lapel.console.machine_protocol import LINE_MAX_BYTES, Request, Response, decode_request, decode_response, encode
from lapel.errors import MessageError

LONGEST_S = 100
"""None of these commands takes longer."""

COMMANDS = st.sampled_from(
    ["status", "battery", "why", "task list", "record start x", "record stop x", "mark", "note hello", "config show",
     "config rollback", "network probe", "recording list", "state show", "help", "log show 5", "log follow", "machine",
     "login set viewer", "support bundle", "-j", "-h", "", "   ", "'", "explode", "status status", "reboot", "exit"]
) | st.text(max_size=30)  # fmt: skip
IDS = st.integers(-5, 5) | st.integers() | st.text(max_size=8)
REQUESTS = st.builds(lambda id_, command: encode(Request(id_, command)), IDS, COMMANDS)
NOT_REQUESTS = st.sampled_from(
    [b"", b"   ", b"*", b" *", b"{}", b"status", b"\xff\xfe *00000000", b"[" * 3_000, b"x" * 5_000, b"\x03", b"\x13",
     b"\x04", b"\x1b[1;40R", b"\x00" * 40]
)  # fmt: skip
BODIES = st.sampled_from(
    [b"", b"null", b"[]", b"{}", b'{"id":1}', b'{"id":null,"command":"exit"}', b'{"id":1,"command":7}', b"[" * 2_000,
     b'{"id":1,"command":"status","more":1}', b'{"id":1.5,"command":"exit"}', b"\xc3(", b'{"id":"\xff","command":""}']
)  # fmt: skip


@st.composite
def corrupted_requests(draw: st.DrawFn) -> bytes:
    """A request as noise on the line may change it."""
    line = bytearray(draw(REQUESTS))
    match draw(st.sampled_from(["flip", "cut", "double", "insert", "upper", "case"])):
        case "flip":
            line[draw(st.integers(0, len(line) - 1))] ^= 1 << draw(st.integers(0, 7))
        case "cut":
            del line[draw(st.integers(0, len(line) - 1)) :]
        case "double":
            line *= 2
        case "insert":
            line.insert(draw(st.integers(0, len(line))), draw(st.integers(0, 255)))
        case "upper":
            line = bytearray(line.upper())
        case _:
            line[-10:] = line[-10:].upper()
    return bytes(line)


ENDS = st.sampled_from([b"\r\n", b"\n", b"\r", b"\n\n", b""])
LINES = (
    REQUESTS
    | corrupted_requests()
    | NOT_REQUESTS
    | BODIES.map(lambda body: b"%s *%08x" % (body, zlib.crc32(body)))
    | st.binary()
)
TYPED = st.lists(st.tuples(LINES, ENDS).map(b"".join), max_size=30)


class Expected(NamedTuple):
    """The responses that everything typed so far must get."""

    requests: list[Request | None]
    """One for each line that gets a response; None for an invalid request."""
    is_over: bool


def expected(typed: bytes) -> Expected:
    """A second, independent implementation of the line format, for complete input."""
    requests: list[Request | None] = []
    noise = 0
    *complete, unfinished = typed.replace(b"\r", b"\n").split(b"\n")
    if len(unfinished) > LINE_MAX_BYTES:  # gets its response before its end has arrived
        complete.append(unfinished)
    for line in complete:
        if not line.strip():
            continue
        try:
            requests.append(decode_request(line))
            noise = 0
        except MessageError:
            requests.append(None)
            noise += 1
        if noise == NOISE_LINES or is_exit(requests[-1]):
            return Expected(requests, True)
    return Expected(requests, False)


def is_exit(request: Request | None) -> bool:
    return request is not None and request.command.strip() == "exit"


class Program:
    """The client in machine mode."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._start = harness.output.rindex(b'{"id":null,"result":"done"')

    def responses(self) -> list[Response]:
        """All responses except the greeting."""
        lines = self._harness.output[self._start :].split(b"\r\n")
        return [decode_response(line) for line in lines[1:-1] if line.startswith(b"{")]

    async def receive(self, count: int) -> list[Response]:
        """Wait for that many responses; returns all."""
        for _ in range(LONGEST_S):
            if len(self.responses()) >= count:
                break
            await self._harness.clock.sleep(1.0)
        await self._harness.settle()
        return self.responses()


async def in_machine_mode(harness: Harness, role: Role = "service") -> Program:
    await harness.attach(DumbTerminal())
    await harness.log_in(role)
    await harness.type("machine\r")
    return Program(harness)


def run_in_temporary_folder(steps: Any) -> Any:
    with TemporaryDirectory() as folder:
        return run_steps(Path(folder), steps)


@settings(max_examples=30)
@given(TYPED, st.sampled_from(["viewer", "service"]))
def test_every_line_gets_its_response(pieces: list[bytes], role: Role) -> None:
    async def steps(harness: Harness) -> None:
        program, typed = await in_machine_mode(harness, role), b""
        for piece in pieces:
            typed += piece
            await harness.type(piece)
            wanted = expected(typed)
            responses = await program.receive(len(wanted.requests))
            assert [one.id for one in responses] == [one and one.id for one in wanted.requests]
            assert [one.result == "bad-line" for one in responses] == [one is None for one in wanted.requests]
            if wanted.is_over:
                break
        else:
            await harness.type(b"\n")
            count = len(expected(typed + b"\n").requests)
            await program.receive(count)
            await harness.type(encode(Request("bye", "exit")))
            assert (await program.receive(count + 1))[-1] == Response("bye", "done")
            assert harness.prompt.startswith("cam-0001 ")
        assert {one["role"] for one in harness.log_entries("command")} <= {role}
        if role == "viewer":
            assert harness.settings.version == 0
            assert harness.link.states[-1] == "buffering"
        assert not harness.errors

    run_in_temporary_folder(steps)


@given(st.data())
@settings(max_examples=30)
def test_a_corrupted_request_is_rejected_and_not_executed(data: st.DataObject) -> None:
    async def steps(harness: Harness) -> None:
        program, line = await in_machine_mode(harness), bytearray(encode(Request(1, "note hello")).rstrip())
        at = data.draw(st.integers(0, line.rindex(b" *") - 1))
        line[at] ^= 1 << data.draw(st.integers(0, 7))
        assume(line[at] not in b"\r\n")  # a line end would make two lines of it
        await harness.type(bytes(line) + b"\r\n")
        (response,) = await program.receive(1)
        assert (response.id, response.result) == (None, "bad-line")
        assert "wrong checksum" in response.reason
        assert harness.executed == ["machine"]

    run_in_temporary_folder(steps)


def test_a_lost_response_can_be_requested_again_without_executing_twice(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        program, line = await in_machine_mode(harness), encode(Request(1, "record start x"))
        await harness.type(line)
        await harness.type(line[:9] + line[10:])
        await harness.type(line)
        first, noise, again = await program.receive(3)
        assert first == again
        assert first.result == "done"
        assert noise.result == "bad-line"
        assert harness.executed == ["machine", "record start x"]

    run_steps(folder, steps)


def test_noise_ends_machine_mode_and_the_next_client_has_to_log_in(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        program = await in_machine_mode(harness)
        for _ in range(NOISE_LINES + 5):
            await harness.type(b"noise\r\n")
        await harness.type(encode(Request(1, "record start x")))
        assert [one.result for one in program.responses()] == ["bad-line"] * NOISE_LINES
        assert harness.executed == ["machine"]
        assert harness.prompt == "login:"

    run_steps(folder, steps)
