"""`lapel-fleet practice`: a process, a real pty, picocom, and hands."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from system.process import PATIENCE_S, Program, program
from system.technician import picocom

FLEET = Path(sys.executable).with_name("lapel-fleet")


class Trainee:
    """Somebody with a camera to mend: `hand` is what he types to practice itself."""

    def __init__(self, practice: Program, hand: int, line: Path) -> None:
        self.practice, self._control, self.line = practice, hand, line

    def does(self, words: str) -> None:
        os.write(self._control, f"{words}\n".encode())

    async def logs_in(self, client: "pexpect.spawn[str]", *, anew: bool = False) -> None:
        if anew:
            self.does("secret")
        again = "secret(?s:.*)\n" if anew else ""
        secret = (await self.practice.says(rf"{again}secret +(\w{{16}})"))[1]
        client.send("\r")
        client.expect("login: $")
        client.send("service\r")
        client.expect("secret: ")
        client.send(f"{secret}\r")
        client.expect("> ")


@contextmanager
def practising(folder: Path, name: str) -> Iterator[Trainee]:
    line = folder / "line"
    hand, typed = os.pipe()
    try:
        with program(folder, "practice", FLEET, "practice", name, "--line", line, stdin=hand) as practice:
            yield Trainee(practice, typed, line)
    finally:
        os.close(hand)
        os.close(typed)


async def test_a_broker_that_is_dialled_wrong_is_mended_at_the_console(tmp_path: Path) -> None:
    with practising(tmp_path, "no-broker") as trainee:
        await trainee.practice.says("picocom -b 115200 .*line")
        with picocom(trainee.line) as client:
            await trainee.logs_in(client)
            for typed, told in (
                ("why", "no broker: broker.exmaple:8883: Name or service not known"),
                ("network probe", "name  FAILED"),
                ("config set link.broker mqtts://broker.example", "once committed"),
                ("config commit confirmed 5", "the camera restarts"),
            ):
                client.send(f"{typed}\r")
                client.expect_exact(told)
                client.expect("> ")
            client.send("config confirm\r")
            client.expect("confirmed")
            await trainee.practice.says(r"mended after \d+ s")
        assert await trainee.practice.ends() == 0
        assert trainee.practice.err == ""
    assert not trainee.line.is_symlink()


async def test_the_line_outlives_the_power(tmp_path: Path) -> None:
    with practising(tmp_path, "drained-battery") as trainee:
        await trainee.practice.says("secret, quit")
        with picocom(trainee.line) as client:
            await trainee.logs_in(client)
            trainee.does("pull battery")
            await trainee.practice.says("done: take the battery out")
            client.send("status\r")
            trainee.does("put battery in")
            client.expect("For authorised technicians")
            assert "status" not in client.before
            await trainee.logs_in(client, anew=True)
            client.send("status\r")
            client.expect("1. battery: 3 %")
            trainee.does("swap battery")
            client.expect("For authorised technicians")
            await trainee.practice.says("mended after")
        assert await trainee.practice.ends() == 0
        assert trainee.practice.err == ""


async def test_at_a_terminal_the_camera_stays_for_a_look_around(tmp_path: Path) -> None:
    practice = pexpect.spawn(str(FLEET), ["practice", "stuck-button"], encoding="utf-8", timeout=PATIENCE_S)
    try:
        practice.expect("secret, quit")
        practice.send("free button\n")
        practice.expect("mended after .*ends it")
        practice.send("help\n")
        practice.expect("secret, quit")
        practice.sendintr()
        practice.expect(pexpect.EOF)
        practice.close()
        assert practice.exitstatus == 0
    finally:
        practice.close(force=True)


async def test_what_is_done_by_hand_is_typed_to_practice_itself(tmp_path: Path) -> None:
    with practising(tmp_path, "full-card") as trainee:
        await trainee.practice.says("secret, quit")
        trainee.does("offload")
        await trainee.practice.says("it is the dock that does this")
        trainee.does("dance")
        await trainee.practice.says("dance: nobody can do that here")
        for words in ("dock", "offload", "undock"):
            trainee.does(words)
        await trainee.practice.says("mended after")
        assert await trainee.practice.ends() == 0


@pytest.mark.parametrize("way", ["quit", "SIGINT", "SIGTERM"])
async def test_giving_up_leaves_nothing(tmp_path: Path, way: str) -> None:
    with practising(tmp_path, "no-video") as trainee:
        await trainee.practice.says("secret, quit")
        if way == "quit":
            trainee.does("quit")
        else:
            trainee.practice.tell(signal.Signals[way])
        await trainee.practice.says("given up after .*practice no-video --solve")
        assert await trainee.practice.ends() == 1
        assert trainee.practice.err == ""
    assert not trainee.line.is_symlink()


def _practice(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [FLEET, "practice", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)


def test_the_ten_are_listed_and_told() -> None:
    assert len(_practice().stdout.splitlines()) == 10
    solved = _practice("stuck-button", "--solve")
    assert (solved.returncode, solved.stderr) == (0, "")
    assert "[at the camera: free button]" in solved.stdout


def test_what_cannot_be_practised_is_a_line(tmp_path: Path) -> None:
    unknown = _practice("no-vidoe")
    assert unknown.returncode == 2
    assert re.fullmatch(r"lapel-fleet: no-vidoe: no such field problem; did you mean `no-video`\?\n", unknown.stderr)
    (tmp_path / "mine").write_text("mine")
    taken = _practice("no-video", "--line", tmp_path / "mine")
    assert taken.returncode == 2
    assert "cannot be made a link" in taken.stderr
    assert "Traceback" not in taken.stderr
