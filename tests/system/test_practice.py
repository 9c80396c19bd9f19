"""`lapel-fleet practice` as a process, with a real pty, picocom and typed actions."""

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
    """A trainee: types actions to `practice` itself, and commands at the camera's console."""

    def __init__(self, practice: Program, control: int, line: Path) -> None:
        self.practice, self._control, self.line = practice, control, line

    def does(self, action: str) -> None:
        os.write(self._control, f"{action}\n".encode())

    async def logs_in(self, client: "pexpect.spawn[str]", *, again: bool = False) -> None:
        if again:
            self.does("secret")
        after = "secret(?s:.*)\n" if again else ""
        secret = (await self.practice.prints(rf"{after}secret +(\w{{16}})"))[1]
        client.send("\r")
        client.expect("login: $")
        client.send("service\r")
        client.expect("secret: ")
        client.send(f"{secret}\r")
        client.expect("> ")


@contextmanager
def practising(folder: Path, name: str) -> Iterator[Trainee]:
    line = folder / "line"
    read_end, write_end = os.pipe()
    try:
        with program(folder, "practice", FLEET, "practice", name, "--line", line, stdin=read_end) as practice:
            yield Trainee(practice, write_end, line)
    finally:
        os.close(read_end)
        os.close(write_end)


async def test_a_wrong_broker_address_is_repaired_at_the_console(tmp_path: Path) -> None:
    with practising(tmp_path, "no-broker") as trainee:
        await trainee.practice.prints("picocom -b 115200 .*line")
        with picocom(trainee.line) as client:
            await trainee.logs_in(client)
            for command, answer in (
                ("why", "no broker: broker.exmaple:8883: Name or service not known"),
                ("network probe", "name  FAILED"),
                ("config set link.broker mqtts://broker.example", "once committed"),
                ("config commit confirmed 5", "the camera restarts"),
            ):
                client.send(f"{command}\r")
                client.expect_exact(answer)
                client.expect("> ")
            client.send("config confirm\r")
            client.expect("confirmed")
            await trainee.practice.prints(r"repaired after \d+ s")
        assert await trainee.practice.ends() == 0
        assert trainee.practice.err == ""
    assert not trainee.line.is_symlink()


async def test_the_serial_line_stays_through_a_power_cut(tmp_path: Path) -> None:
    with practising(tmp_path, "drained-battery") as trainee:
        await trainee.practice.prints("secret, quit")
        with picocom(trainee.line) as client:
            await trainee.logs_in(client)
            trainee.does("remove battery")
            await trainee.practice.prints("done: remove the battery")
            client.send("status\r")
            trainee.does("insert battery")
            client.expect("For authorised technicians")
            assert "status" not in client.before
            await trainee.logs_in(client, again=True)
            client.send("status\r")
            client.expect("1. battery: 3 %")
            trainee.does("swap battery")
            client.expect("For authorised technicians")
            await trainee.practice.prints("repaired after")
        assert await trainee.practice.ends() == 0
        assert trainee.practice.err == ""


async def test_at_a_terminal_the_camera_stays_until_the_trainee_quits(tmp_path: Path) -> None:
    practice = pexpect.spawn(str(FLEET), ["practice", "stuck-button"], encoding="utf-8", timeout=PATIENCE_S)
    try:
        practice.expect("secret, quit")
        practice.send("free button\n")
        practice.expect("repaired after .*ends the exercise")
        practice.send("help\n")
        practice.expect("secret, quit")
        practice.sendintr()
        practice.expect(pexpect.EOF)
        practice.close()
        assert practice.exitstatus == 0
    finally:
        practice.close(force=True)


async def test_actions_are_typed_to_practice_itself(tmp_path: Path) -> None:
    with practising(tmp_path, "full-card") as trainee:
        await trainee.practice.prints("secret, quit")
        trainee.does("offload")
        await trainee.practice.prints("only the dock can do this")
        trainee.does("dance")
        await trainee.practice.prints("dance: no such action")
        for action in ("dock", "offload", "undock"):
            trainee.does(action)
        await trainee.practice.prints("repaired after")
        assert await trainee.practice.ends() == 0


@pytest.mark.parametrize("way", ["quit", "SIGINT", "SIGTERM"])
async def test_giving_up_removes_the_link(tmp_path: Path, way: str) -> None:
    with practising(tmp_path, "no-video") as trainee:
        await trainee.practice.prints("secret, quit")
        if way == "quit":
            trainee.does("quit")
        else:
            trainee.practice.send_signal(signal.Signals[way])
        await trainee.practice.prints("given up after .*practice no-video --solve")
        assert await trainee.practice.ends() == 1
        assert trainee.practice.err == ""
    assert not trainee.line.is_symlink()


def _practice(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [FLEET, "practice", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)


def test_the_problems_are_listed_and_a_solution_is_shown() -> None:
    assert len(_practice().stdout.splitlines()) == 10
    solved = _practice("stuck-button", "--solve")
    assert (solved.returncode, solved.stderr) == (0, "")
    assert "[at the camera: free button]" in solved.stdout
    assert "Remedy: Free the button and clean its rim." in solved.stdout


def test_an_unusable_name_or_line_is_an_error(tmp_path: Path) -> None:
    unknown = _practice("no-vidoe")
    assert unknown.returncode == 2
    assert re.fullmatch(r"lapel-fleet: no-vidoe: no such field problem; did you mean `no-video`\?\n", unknown.stderr)
    (tmp_path / "mine").write_text("mine")
    taken = _practice("no-video", "--line", tmp_path / "mine")
    assert taken.returncode == 2
    assert "cannot be made a link" in taken.stderr
    assert "Traceback" not in taken.stderr
