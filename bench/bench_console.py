"""Response time of the technician's console on a pty while the camera records 1080p30 and in standby, compared with
`cat` and `sh` on ptys, measured alternately. Two minutes, a quarter of one with `--short`.
"""

import os
import pty
import random
import select
import subprocess
import sys
import tempfile
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from time import perf_counter, sleep

from bench.figure import Figure

_SECRET = "correct horse battery"
_SCENE = ("--video", "scene", "--rate", "30", "--bitrate", "8000000")
_ECHO_BOUND_MS, _ANSWER_BOUND_MS = 20.0, 100.0
_TIMEOUT_S = 60.0
_PAUSE_S = (0.002, 0.03)
"""Range of the random pause between keys: faster than typing, and not in phase with the camera's timers."""
_PROMPT, _BACKSPACE = b"> ", b"\x7f"
_ON_RECORD = b"echo status >>record; sync record\n"
"""The shell's equivalent of the camera's synced record of a command."""


def main(keys: int = 1000, commands: int = 200, size: tuple[int, int] = (1920, 1080)) -> list[Figure]:
    """Milliseconds from a key to its echo, and from Enter to the next prompt."""
    if "--short" in sys.argv:
        keys, commands = keys // 8, commands // 8
    with tempfile.TemporaryDirectory() as folder, _camera(Path(folder), size) as console:
        with _program(folder, "cat") as cat, _program(folder, "sh") as sh:
            console.answer_ms(b"record start bench\r", b"recording" + _PROMPT)
            busy = [*_figures("records", console, cat, sh, keys, commands)]
            console.answer_ms(b"record stop done\r", b"buffering" + _PROMPT)
            console.answer_ms(b"state sleep\r", b"standby" + _PROMPT)
            return [*busy, *_figures("is in standby", console, cat, sh, keys, commands)]


class Line:
    """The client's end of a pty."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def answer_ms(self, typed: bytes, answer: bytes) -> float:
        """Milliseconds until the received bytes end with `answer`. Earlier output is discarded first."""
        while self._is_readable(0):
            os.read(self._descriptor, 65_536)
        began_s, received = perf_counter(), b""
        os.write(self._descriptor, typed)
        while not received.endswith(answer):
            assert self._is_readable(_TIMEOUT_S), f"no {answer!r} after {typed!r}, only {received!r}"
            received += os.read(self._descriptor, 65_536)
        return 1000 * (perf_counter() - began_s)

    def _is_readable(self, within_s: float) -> bool:
        return bool(select.select([self._descriptor], [], [], within_s)[0])


def _figures(when: str, console: Line, cat: Line, sh: Line, keys: int, commands: int) -> Iterator[Figure]:
    echoes = []
    for _ in _paced(keys):
        echoes.append((console.answer_ms(b"x", b"x"), cat.answer_ms(b"x", b"x")))
        console.answer_ms(_BACKSPACE, b"\b")  # the line stays short
    yield from _percentiles(f"key to echo while the camera {when}", "cat", echoes, _ECHO_BOUND_MS)
    answers = [(console.answer_ms(b"status\r", _PROMPT), sh.answer_ms(_ON_RECORD, _PROMPT)) for _ in _paced(commands)]
    yield from _percentiles(f"`status` to prompt while the camera {when}", "sh", answers, _ANSWER_BOUND_MS)


def _paced(count: int) -> Iterator[None]:
    rng = random.Random(1)
    for _ in range(count):
        sleep(rng.uniform(*_PAUSE_S))
        yield


def _percentiles(name: str, peer: str, pairs: list[tuple[float, float]], bound_ms: float) -> Iterator[Figure]:
    """Of (ours, the peer's)."""
    ours, theirs = (quantiles(one, n=100) for one in zip(*pairs, strict=True))
    yield Figure(f"{name}, p50", ours[49], "ms", peer, theirs[49])
    yield Figure("  p99", ours[98], "ms", peer, theirs[98], bound_ms)


@contextmanager
def _camera(folder: Path, size: tuple[int, int]) -> Iterator[Line]:
    """A camera that buffers, with a technician logged in at its console."""
    command, evidence, link = Path(sys.executable).with_name("lapel-camera"), folder / "evidence", folder / "line"
    set_secret: list[str | Path] = [command, "login", "set", "service", "--evidence", evidence]
    subprocess.run(set_secret, input=f"{_SECRET}\n", text=True, check=True, stdout=subprocess.DEVNULL)
    picture = ("--width", str(size[0]), "--height", str(size[1]))
    run: list[str | Path] = [command, "run", *_SCENE, *picture, "--evidence", evidence, "--console", f"pty:{link}"]
    with subprocess.Popen(run, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            descriptor = _open_line(link)
            try:
                console = Line(descriptor)
                _log_in(console)
                yield console
            finally:
                os.close(descriptor)
        finally:
            process.kill()


def _open_line(link: Path) -> int:
    until_s = perf_counter() + _TIMEOUT_S
    while not link.exists():
        assert perf_counter() < until_s, "the camera has no console"
        sleep(0.05)
    return os.open(link, os.O_RDWR | os.O_NOCTTY)


def _log_in(console: Line) -> None:
    console.answer_ms(b"\r", b"login: ")
    console.answer_ms(b"service\r", b"secret: ")
    console.answer_ms(f"{_SECRET}\r".encode(), b"buffering" + _PROMPT)  # redrawn when it has booted


@contextmanager
def _program(folder: str, name: str) -> Iterator[Line]:
    """A system program that answers on its own raw pty."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    with subprocess.Popen(
        [name], cwd=folder, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "PS1": _PROMPT.decode()}
    ) as process:
        os.close(slave)
        try:
            yield Line(master)
        finally:
            process.kill()
            os.close(master)
