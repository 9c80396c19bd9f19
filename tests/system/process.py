"""Runs the real commands as child processes, and MQTT clients beside them.

A child's output goes to files, so that it never blocks on a full pipe and a failed test can show all of it.
"""

import asyncio
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lapel.clock import SystemClock
from system.brokers import real

PATIENCE_S = 60.0
"""A deadline detects what never happens; a delay on a busy machine is no failure."""
SMALL_SCENE = ("--video", "scene", "--width", "320", "--height", "180", "--bitrate", "500000")
"""Frames that cost little CPU time."""
_CAMERA = Path(sys.executable).with_name("lapel-camera")
_POLL_S = 0.02


async def until(condition: Callable[[], object], missing: Callable[[], str]) -> None:
    """Wait until `condition()`; after `PATIENCE_S` fail with the text of `missing()`."""
    clock = SystemClock()
    deadline_s = clock.mono_s() + PATIENCE_S
    while not condition():
        if clock.mono_s() > deadline_s:
            pytest.fail(missing())
        await asyncio.sleep(_POLL_S)


class Program:
    """A child process and its output so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self._process, self._out, self._err = process, out, err

    @property
    def out(self) -> str:
        return self._out.read_text(errors="replace")

    @property
    def err(self) -> str:
        return self._err.read_text()

    async def prints(self, pattern: str) -> re.Match[str]:
        """Wait for `pattern` on its standard output; the first match."""
        await until(
            lambda: re.search(pattern, self.out) or self._process.poll() is not None,
            lambda: f"{pattern!r} was never printed; {self._output()}",
        )
        found = re.search(pattern, self.out)
        if found is None:
            pytest.fail(f"ended without printing {pattern!r}; {self._output()}")
        return found

    async def ends(self) -> int:
        """Wait for its end; its exit code."""
        await until(lambda: self._process.poll() is not None, lambda: f"did not end; {self._output()}")
        return self._process.wait()

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def takes(self, number: signal.Signals) -> None:
        """Send a signal and wait until it is delivered: of two that are pending, either may be delivered first."""
        self.send_signal(number)
        await until(lambda: number not in self._pending(), lambda: f"{number.name} is not delivered; {self._output()}")

    def _pending(self) -> set[int]:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (mask,) = re.findall(r"^ShdPnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
        return {number for number in signal.valid_signals() if int(mask, 16) >> (number - 1) & 1}

    def peak_memory_bytes(self) -> int:
        """The most resident memory that it has used so far."""
        (kilobytes,) = re.findall(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{self._process.pid}/status").read_text())
        return 1024 * int(kilobytes)

    def kill(self) -> None:
        """SIGKILL: like a power cut, except that the kernel still writes its buffers."""
        self._process.kill()
        self._process.wait()

    def _output(self) -> str:
        return f"exit code {self._process.poll()}\n-- out --\n{self.out}\n-- err --\n{self.err}"


@contextmanager
def program(folder: Path, name: str, *command: str | Path, **more: Any) -> Iterator[Program]:
    """A child whose output goes to files in `folder`; it is killed at the end if it still runs."""
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        streams = {"stdin": subprocess.DEVNULL, "stdout": to_out, "stderr": to_err, **more}
        process = subprocess.Popen([*map(str, command)], env=_environment(), **streams)
    child = Program(process, out, err)
    try:
        yield child
    finally:
        child.kill()


def camera(
    folder: Path, *flags: str | Path, name: str = "camera", output: Path | None = None
) -> AbstractContextManager[Program]:
    """`lapel-camera run` without a terminal. It records to `folder`/evidence unless a flag overrides that. `output`:
    the folder for its output, where `folder` cannot be written.
    """
    return program(output or folder, name, *_run(folder, *flags))


def lapel_camera(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself."""
    return subprocess.run(
        [_CAMERA, *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def _run(folder: Path, *flags: str | Path) -> list[str | Path]:
    return [_CAMERA, "run", "--evidence", folder / "evidence", *flags]


def _environment() -> dict[str, str]:
    """This process's environment without Lapel's variables; files and sockets left open are reported on stderr."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("LAPEL_")}
    return {**own, "PYTHONWARNINGS": "always::ResourceWarning"}


class Terminal:
    """A pseudo terminal with a camera on it: its keys, and its screen as a stream of characters."""

    def __init__(self, keyboard: int, screen: int) -> None:
        self._keyboard, self.descriptor, self.screen = keyboard, screen, ""

    def type(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    async def shows(self, pattern: str) -> None:
        """Wait for what is *new*: everything up to the match counts as read."""
        await until(lambda: re.search(pattern, self.screen), lambda: f"{pattern!r} never showed: {self.screen!r}")
        found = re.search(pattern, self.screen)
        self.screen = self.screen[found.end() :] if found else ""

    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.descriptor)

    def _take(self) -> None:
        self.screen += os.read(self._keyboard, 4096).decode(errors="replace")


@contextmanager
def terminal(columns: int = 0) -> Iterator[Terminal]:
    """A pseudo terminal. Like a serial line it has no size unless `columns` is given. Needs a running event loop, which
    reads the screen: a program blocks on a terminal that is not read.
    """
    loop = asyncio.get_running_loop()
    keyboard, screen = pty.openpty()
    termios.tcsetwinsize(screen, (24 if columns else 0, columns))
    one = Terminal(keyboard, screen)
    loop.add_reader(keyboard, one._take)
    try:
        yield one
    finally:
        loop.remove_reader(keyboard)
        os.close(keyboard)
        os.close(screen)


def camera_on(
    one: Terminal, folder: Path, *flags: str | Path, output: Path | None = None
) -> AbstractContextManager[Program]:
    """`lapel-camera run` on a terminal; see `camera`."""
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), one.descriptor)
    return program(output or folder, "camera", *_run(folder, *flags), **streams, start_new_session=True)


class Fleet:
    """An operator made of independent clients: mosquitto_sub receives, mosquitto_pub sends commands."""

    def __init__(self, port: int, listening: Program, topic: str) -> None:
        self._port, self._listening, self._topic = port, listening, topic

    def received(self, leaf: str) -> list[dict[str, Any]]:
        """Every message on `state`, `reply`, … so far, with its `retained` flag."""
        lines = [line.split(" ", 2) for line in self._listening.out.splitlines(keepends=True) if line.endswith("\n")]
        return [
            {**json.loads(payload), "retained": retained == "1"}
            for retained, topic, payload in lines
            if topic == f"{self._topic}/{leaf}"
        ]

    async def receives(self, leaf: str, **fields: Any) -> dict[str, Any]:
        """Wait for a message on `leaf` with these fields; the first one."""

        def fitting() -> list[dict[str, Any]]:
            return [one for one in self.received(leaf) if fields.items() <= one.items()]

        await until(fitting, lambda: f"{leaf} with {fields} was never received:\n{self._listening.out}")
        return fitting()[0]

    def publish_command(self, payload: str | bytes) -> None:
        """Publish the payload on the command topic."""
        publish = [real("mosquitto_pub"), "-p", str(self._port), "-q", "1", "-t", f"{self._topic}/command", "-s"]
        data = payload.encode() if isinstance(payload, str) else payload
        subprocess.run(publish, input=data, check=True, timeout=PATIENCE_S)

    def command(self, command: str, id_: str) -> None:
        self.publish_command(json.dumps({"id": id_, "command": command, "reason": "test"}))


@contextmanager
def fleet(folder: Path, port: int, topic: str = "lapel/v1/demo/home/cam-0001") -> Iterator[Fleet]:
    """Subscribes to all topics of one camera."""
    listen = [real("mosquitto_sub"), "-p", str(port), "-q", "1", "-t", f"{topic}/#", "-F", "%r %t %p"]
    with program(folder, f"fleet-{SystemClock().mono_s()}", *listen) as listening:
        yield Fleet(port, listening, topic)
