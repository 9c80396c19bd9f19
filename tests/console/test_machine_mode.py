"""Machine mode through the whole shell: a reply to each line, whatever it is, and the way out is always there."""

import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from console.rig import Rig, play
from console.terminals import Dumb
from lapel.console import machine
from lapel.console.interface import Role
from lapel.console.machine import LINE_MAX_BYTES, Request, Response, encoded
from lapel.console.machine_mode import NOISE_LINES
from lapel.errors import MessageError

LONGEST_S = 100
"""No command of these takes longer."""

COMMANDS = st.sampled_from(
    ["status", "battery", "why", "task list", "record start x", "record stop x", "mark", "note hello", "config show",
     "config rollback", "network probe", "recording list", "state show", "help", "log show 5", "log follow", "machine",
     "login set viewer", "support bundle", "-j", "-h", "", "   ", "'", "explode", "status status", "reboot", "exit"]
) | st.text(max_size=30)  # fmt: skip
IDS = st.integers(-5, 5) | st.integers() | st.text(max_size=8)
REQUESTS = st.builds(lambda id_, command: encoded(Request(id_, command)), IDS, COMMANDS)
NO_REQUESTS = st.sampled_from(
    [b"", b"   ", b"*", b" *", b"{}", b"status", b"\xff\xfe *00000000", b"[" * 3_000, b"x" * 5_000, b"\x03", b"\x13",
     b"\x04", b"\x1b[1;40R", b"\x00" * 40]
)  # fmt: skip
BODIES = st.sampled_from(
    [b"", b"null", b"[]", b"{}", b'{"id":1}', b'{"id":null,"command":"exit"}', b'{"id":1,"command":7}', b"[" * 2_000,
     b'{"id":1,"command":"status","more":1}', b'{"id":1.5,"command":"exit"}', b"\xc3(", b'{"id":"\xff","command":""}']
)  # fmt: skip


@st.composite
def near_requests(draw: st.DrawFn) -> bytes:
    """What noise makes of a request."""
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
    | near_requests()
    | NO_REQUESTS
    | BODIES.map(lambda body: b"%s *%08x" % (body, zlib.crc32(body)))
    | st.binary()
)
TYPED = st.lists(st.tuples(LINES, ENDS).map(b"".join), max_size=30)


class Expected(NamedTuple):
    """What the rules say of everything typed so far."""

    requests: list[Request | None]
    """One for each line that is answered; None where it is no request."""
    is_over: bool


def expected(typed: bytes) -> Expected:
    """A second implementation of the rules, of whole inputs."""
    requests: list[Request | None] = []
    noise = 0
    *whole, begun = typed.replace(b"\r", b"\n").split(b"\n")
    if len(begun) > LINE_MAX_BYTES:  # answered before its end has come
        whole.append(begun)
    for line in whole:
        if not line.strip():
            continue
        try:
            requests.append(machine.request(line))
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
    """At the other end of the line, in machine mode."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._from = rig.line.received.rindex(b'{"id":null,"result":"done"')

    def replies(self) -> list[Response]:
        """All but the greeting. Each line that was heard is one."""
        received = bytes(self._rig.line.received[self._from :])
        lines = received.split(b"\r\n")
        return [machine.response(line) for line in lines[1:-1] if line.startswith(b"{")]

    async def hears(self, count: int) -> list[Response]:
        """As soon as there are so many."""
        for _ in range(LONGEST_S):
            if len(self.replies()) >= count:
                break
            await self._rig.clock.sleep(1.0)
        await self._rig.settle()
        return self.replies()


async def in_machine_mode(rig: Rig, role: Role = "service") -> Program:
    await rig.attach(Dumb())
    await rig.log_in(role)
    await rig.type("machine\r")
    return Program(rig)


def faults(rig: Rig) -> list[str]:
    return [line.text for line in rig.log.newest(2_000) if line.level == "error"]


def in_a_folder(story: Any) -> Any:
    with TemporaryDirectory() as folder:
        return play(Path(folder), story)


@settings(max_examples=30)
@given(TYPED, st.sampled_from(["viewer", "service"]))
def test_every_line_has_its_reply_or_is_none(pieces: list[bytes], role: Role) -> None:
    async def story(rig: Rig) -> None:
        program, typed = await in_machine_mode(rig, role), b""
        for piece in pieces:
            typed += piece
            await rig.type(piece)
            wanted = expected(typed)
            replies = await program.hears(len(wanted.requests))
            assert [one.id for one in replies] == [one and one.id for one in wanted.requests]
            assert [one.result == "bad-line" for one in replies] == [one is None for one in wanted.requests]
            if wanted.is_over:
                break
        else:
            await rig.type(b"\n")
            asked = len(expected(typed + b"\n").requests)
            await program.hears(asked)
            await rig.type(encoded(Request("bye", "exit")))
            assert (await program.hears(asked + 1))[-1] == Response("bye", "done")
            assert rig.prompt.startswith("cam-0001 ")
        assert {one["role"] for one in rig.record("command")} <= {role}
        if role == "viewer":
            assert rig.settings.version == 0
            assert rig.link.states[-1] == "buffering"
        assert not faults(rig)

    in_a_folder(story)


@given(st.data())
@settings(max_examples=30)
def test_what_noise_changed_is_told_as_such_and_not_done(data: st.DataObject) -> None:
    async def story(rig: Rig) -> None:
        program, line = await in_machine_mode(rig), bytearray(encoded(Request(1, "note hello")).rstrip())
        at = data.draw(st.integers(0, line.rindex(b" *") - 1))
        line[at] ^= 1 << data.draw(st.integers(0, 7))
        assume(line[at] not in b"\r\n")  # these would make two lines of it
        await rig.type(bytes(line) + b"\r\n")
        (reply,) = await program.hears(1)
        assert (reply.id, reply.result) == (None, "bad-line")
        assert "the check does not fit" in reply.reason
        assert rig.done == ["machine"]

    in_a_folder(story)


def test_a_reply_that_was_lost_can_be_had_again_and_nothing_is_done_twice(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        program, line = await in_machine_mode(rig), encoded(Request(1, "record start x"))
        await rig.type(line)
        await rig.type(line[:9] + line[10:])
        await rig.type(line)
        first, noise, again = await program.hears(3)
        assert first == again
        assert first.result == "done"
        assert noise.result == "bad-line"
        assert rig.done == ["machine", "record start x"]

    play(folder, story)


def test_noise_ends_machine_mode_and_whoever_comes_next_has_to_log_in(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        program = await in_machine_mode(rig)
        for _ in range(NOISE_LINES + 5):
            await rig.type(b"noise\r\n")
        await rig.type(encoded(Request(1, "record start x")))
        assert [one.result for one in program.replies()] == ["bad-line"] * NOISE_LINES
        assert rig.done == ["machine"]
        assert rig.prompt == "login:"

    play(folder, story)
