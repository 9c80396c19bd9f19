"""A camera with its console on a real pty, and clients that open it."""

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
def camera_with_console(folder: Path, *flags: str | Path) -> Iterator[tuple[Program, Path]]:
    """A camera, and the path of its console's pty. The secret for the role `service` is set."""
    lapel_camera = Path(sys.executable).with_name("lapel-camera")
    command = [lapel_camera, "login", "set", "service", "--evidence", folder / "evidence"]
    subprocess.run(command, input=f"{SECRET}\n", text=True, check=True, capture_output=True, timeout=PATIENCE_S)
    line = folder / "line"
    with camera(folder, *SMALL_SCENE, "--prebuffer", "1", "--console", f"pty:{line}", *flags) as cam:
        yield cam, line


class Client(fdpexpect.fdspawn):
    """A client that opens the pty like any program: it sends and receives bytes, and may stop reading."""

    def __init__(self, line: Path) -> None:
        super().__init__(os.open(line, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK), timeout=PATIENCE_S)

    def read_nonblocking(self, size: int = 1, timeout: int | None = -1) -> bytes:
        """Retry where a poll reported data that the camera then flushed, because a new client opened the pty."""
        while True:
            with contextlib.suppress(BlockingIOError):
                return bytes(super().read_nonblocking(size, timeout))

    def flood(self, data: bytes) -> int:
        """Send as much of `data` as the pty takes without blocking; returns the number of bytes."""
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < len(data):
                sent += os.write(self.child_fd, data[sent : sent + 4096])
        return sent

    def send_all(self, data: bytes) -> None:
        """Send all of `data` as fast as the pty takes it, without reading the output meanwhile."""
        while data := data[self.flood(data) :]:
            _, ready, _ = select.select([], [self.child_fd], [], PATIENCE_S)
            assert ready, "the pty takes no input"

    def send(self, data: bytes) -> int:
        """Send all of `data`. A single write may be partial: the pty's buffer may be full."""
        self.send_all(data)
        return len(data)

    def log_in(self, secret: str = SECRET) -> None:
        """Log in and wait for the prompt. The first Enter ends a line that an earlier client may have left unfinished.
        Input that is sent before the camera notices the new client is discarded (docs/console.md): then send it again.
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
    opened = Client(line)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def picocom(line: Path, *options: str) -> Iterator["pexpect.spawn[str]"]:
    """A real picocom; killed at the end, which hangs up."""
    program = real("picocom")
    spawned = pexpect.spawn(program, ["-b", "115200", *options, str(line)], encoding="utf-8", timeout=PATIENCE_S)
    try:
        spawned.expect("Terminal ready")
        yield spawned
    finally:
        spawned.close(force=True)


def assert_login_required(opened: Client) -> None:
    """The client has to log in, and sees nothing of the session before except its prompt, which the kernel may still
    deliver (docs/console.md).
    """
    opened.send(b"\r")
    opened.expect(rb"login: $")  # not shown to a user who is logged in
    assert not re.search(rb"confidential note|READY", opened.before or b"")
