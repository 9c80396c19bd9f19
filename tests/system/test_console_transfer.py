"""File transfer over the console, received by a real `rz`: the file is intact, and the duration is announced first."""

import asyncio
import hashlib
import os
import random
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.harness import SECRETS
from lapel.clock import SystemClock
from lapel.console.transfer import Zmodem
from lapel.errors import ConsoleError
from lapel.hardware.desktop.pty import PtyLine
from lapel.worker import ThreadWorker
from system.brokers import real
from system.process import PATIENCE_S
from system.technician import camera_with_console, client

BUNDLE_BYTES = 3_000_000


async def test_rz_receives_three_megabytes_intact(tmp_path: Path) -> None:
    real("sz")
    content = random.Random(3).randbytes(BUNDLE_BYTES)
    sent, received = tmp_path / "bundle.tar.gz", tmp_path / "received"
    sent.write_bytes(content)
    received.mkdir()
    clock, worker = SystemClock(), ThreadWorker(1)
    line = PtyLine(clock)
    descriptor = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    rz = None
    try:
        await line.attached()
        zmodem = Zmodem(clock, worker, line, sent, 600)
        assert "3.0 MB, about 3 s" in await zmodem.announcement()
        rz = subprocess.Popen([real("rz"), "--quiet", "--binary"], cwd=received, stdin=descriptor, stdout=descriptor)
        async with asyncio.timeout(PATIENCE_S):
            await zmodem.run(_pieces(line))
        assert await asyncio.to_thread(rz.wait, PATIENCE_S) == 0
    finally:
        if rz is not None:
            rz.kill()
            rz.wait()
        os.close(descriptor)
        line.close()
        worker.close()
    assert hashlib.sha256((received / sent.name).read_bytes()).digest() == hashlib.sha256(content).digest()


async def test_a_transfer_that_would_exceed_the_limit_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(bytes(BUNDLE_BYTES))
    clock, worker = SystemClock(), ThreadWorker(1)
    line = PtyLine(clock)
    try:
        with pytest.raises(ConsoleError, match=r"3\.0 MB take 3 s, more than 1 s; raise it with --limit"):
            await Zmodem(clock, worker, line, tmp_path / "clip.mp4", 1).announcement()
    finally:
        line.close()
        worker.close()


async def test_a_technician_receives_a_support_bundle_and_continues(tmp_path: Path) -> None:
    real("sz")
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with client(line) as technician:
            technician.log_in()
            technician.send(b"support bundle\r")
            technician.expect(b"Start receiving now")
            os.set_blocking(technician.child_fd, True)  # as under picocom
            rz = [real("rz"), "--quiet", "--binary"]
            subprocess.run(
                rz, cwd=tmp_path, stdin=technician.child_fd, stdout=technician.child_fd, timeout=PATIENCE_S, check=True
            )
            technician.expect(rb"sent in \d+\s+s")
            technician.send(b"status\r")
            technician.expect(b"READY")
        (bundle,) = tmp_path.glob("cam-0001-*.tar.gz")
        names = subprocess.run(["tar", "tzf", bundle], capture_output=True, text=True, check=True).stdout.split()
        assert names == ["about.json", "configuration.json", "events.jsonl", "log.jsonl"]
        unpacked = subprocess.run(["tar", "xzOf", bundle], capture_output=True, text=True, check=True).stdout
        assert SECRETS["service"] not in unpacked


async def test_ctrl_c_cancels_a_transfer_whose_receiver_never_starts(tmp_path: Path) -> None:
    real("sz")
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with client(line) as technician:
            technician.log_in()
            technician.send(b"support bundle\r")
            technician.expect(rb"\*\*\x18B")
            technician.send(b"\x03")
            technician.expect(b"interrupted")
            technician.send(b"status\r")
            technician.expect(b"READY")


async def _pieces(line: PtyLine) -> AsyncIterator[bytes]:
    while data := await line.read():
        yield data
