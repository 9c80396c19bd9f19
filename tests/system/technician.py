"""A technician's end of a console on a real pty: a camera that is serviced, and whoever opens its line."""

import contextlib
import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
from pexpect import fdpexpect

from system.brokers import real
from system.process import PATIENCE_S, SMALL_SCENE, Program, camera

SECRET = "correct horse battery"


@contextmanager
def serviced(folder: Path, *flags: str | Path) -> Iterator[tuple[Program, Path]]:
    """A camera whose console is at that path; the secret of the role `service` is set."""
    lapel_camera = Path(sys.executable).with_name("lapel-camera")
    command = [lapel_camera, "login", "set", "service", "--evidence", folder / "evidence"]
    subprocess.run(command, input=f"{SECRET}\n", text=True, check=True, capture_output=True, timeout=PATIENCE_S)
    line = folder / "line"
    with camera(folder, *SMALL_SCENE, "--prebuffer", "1", "--console", f"pty:{line}", *flags) as cam:
        yield cam, line


class Client(fdpexpect.fdspawn):
    """Somebody who opens the line as any program would: bytes out, bytes in, and may forget to read."""

    def __init__(self, line: Path) -> None:
        super().__init__(os.open(line, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK), timeout=PATIENCE_S)

    def read_nonblocking(self, size: int = 1, timeout: int | None = -1) -> bytes:
        """Also where what was there is gone when it is read: the camera empties a line that has changed hands."""
        while True:
            with contextlib.suppress(BlockingIOError):
                return bytes(super().read_nonblocking(size, timeout))

    def flood(self, data: bytes) -> int:
        """Type as much of `data` as the line takes without waiting; how much that was."""
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < len(data):
                sent += os.write(self.child_fd, data[sent : sent + 4096])
        return sent

    def pour(self, data: bytes) -> None:
        """Type all of it, as fast as the line takes it; what is said meanwhile is not read."""
        while data := data[self.flood(data) :]:
            _, ready, _ = select.select([], [self.child_fd], [], PATIENCE_S)
            assert ready, "the line takes nothing"

    def send(self, data: bytes) -> int:
        """Wait until the line has taken all of it: one that could be written to may be full when it is."""
        self.pour(data)
        return len(data)

    def log_in(self, secret: str = SECRET) -> None:
        """Up to the prompt. The first Enter is for a line that somebody may have left in the middle of a word. What is
        typed before the camera notices that the line changed hands is thrown away (docs/console.md): once more then.
        """
        for _ in range(3):
            self.send(b"\r")
            self.expect(rb"login: $")
            self.send(b"service\r")
            if self.expect([b"secret: ", pexpect.TIMEOUT], timeout=PATIENCE_S / 4) == 0:
                break
        self.send(secret.encode() + b"\r")
        self.expect(rb"cam-0001 \w+> ")

    def hang_up(self) -> None:
        self.close()


@contextmanager
def client(line: Path) -> Iterator[Client]:
    one = Client(line)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def picocom(line: Path, *options: str) -> Iterator["pexpect.spawn[str]"]:
    """A real one; killed at the end, which hangs up."""
    program = real("picocom")
    one = pexpect.spawn(program, ["-b", "115200", *options, str(line)], encoding="utf-8", timeout=PATIENCE_S)
    try:
        one.expect("Terminal ready")
        yield one
    finally:
        one.close(force=True)


def is_asked_to_log_in(one: Client) -> None:
    """Whoever it is meets the door, and nothing of what came before can be done or read. A prompt that the last visit
    was about to write is all that the kernel may have kept (docs/console.md): it opens nothing.
    """
    one.send(b"\r")
    one.expect(rb"login: $")  # never comes to somebody who is logged in
    assert not re.search(rb"my own words|READY", one.before or b"")
