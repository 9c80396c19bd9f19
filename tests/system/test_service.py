"""A camera under a service manager: its messages over a real socket, and its unit file by systemd's own tools."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.service.journal import Journal
from lapel.service.notify import ServiceManager
from lapel.service.watchdog import Watchdog, WorkerPart
from lapel.worker import ThreadWorker
from system.brokers import real
from system.process import SMALL_SCENE, camera, until


class Datagrams:
    """A socket as systemd's, and what arrived at it."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)
        self.received: list[bytes] = []

    def read(self) -> list[bytes]:
        """All that has arrived so far."""
        while True:
            try:
                self.received.append(self._socket.recv(65_536))
            except BlockingIOError:
                return self.received

    def lines(self) -> list[str]:
        return [line for message in self.read() for line in message.decode().splitlines()]

    def close(self) -> None:
        self._socket.close()


@contextmanager
def datagrams(address: str) -> Iterator[Datagrams]:
    one = Datagrams(address)
    try:
        yield one
    finally:
        one.close()


async def test_a_camera_is_ready_when_it_buffers_feeds_its_watchdog_and_says_when_it_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "600000")
    with datagrams(address) as manager, camera(tmp_path, *SMALL_SCENE) as cam:
        await until(lambda: manager.lines().count("WATCHDOG=1") > 3, lambda: f"fed too little: {manager.lines()}")
        lines = manager.lines()
        assert lines.index("STATUS=booting") < lines.index("READY=1") < lines.index("STATUS=buffering")
        cam.send_signal(signal.SIGTERM)
        assert await cam.ends() == 0
        assert manager.lines()[-1] == "STOPPING=1"


async def test_a_camera_that_is_stopped_is_not_fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP: the event loop hangs, and with it the watchdog."""
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    with datagrams(address) as manager, camera(tmp_path, *SMALL_SCENE) as cam:
        await until(lambda: "READY=1" in manager.lines(), lambda: "it was never ready")
        cam.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.3)
        before = len(manager.lines())
        await asyncio.sleep(1.0)
        assert len(manager.lines()) == before
        cam.send_signal(signal.SIGCONT)
        await until(lambda: len(manager.lines()) > before + 2, lambda: "it was not fed again")


async def test_a_worker_that_hangs_stops_the_feeding() -> None:
    """As a storage card whose driver never returns."""
    address = f"\0lapel-test-{os.getpid()}"
    worker, clock, hanging = ThreadWorker(1), SystemClock(), threading.Event()
    lines: list[str] = []
    with datagrams(address) as received:
        manager = ServiceManager({"NOTIFY_SOCKET": address.replace("\0", "@"), "WATCHDOG_USEC": "100000"})
        part = WorkerPart(worker, clock)
        watchdog = Watchdog(manager, clock, lambda: [part], lines.append, limit_s=0.3)
        feeding = asyncio.create_task(watchdog.run())
        await until(lambda: len(received.read()) > 3, lambda: "it is not fed")
        job = asyncio.create_task(worker.run(hanging.wait))
        await until(lambda: lines, lambda: "the hang was not noticed")
        before = len(received.read())
        await asyncio.sleep(0.5)
        assert len(received.read()) == before
        hanging.set()
        await job
        await until(lambda: len(received.read()) > before + 2, lambda: "it is not fed again")
        feeding.cancel()
        await asyncio.wait([feeding])
        await asyncio.sleep(0.1)
        part.silent_s()
        await asyncio.sleep(0.1)
    worker.close()
    assert "storage worker has not answered" in lines[0]


async def test_lines_reach_the_journal_with_fields(tmp_path: Path) -> None:
    address = str(tmp_path / "journal")
    with datagrams(address) as journal:
        assert Journal({"LAPEL_CAMERA": "cam-0001"}, address).write("two\nlines", LAPEL_STATE="fault")
        (entry,) = journal.read()
    assert entry == b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nLAPEL_CAMERA=cam-0001\nLAPEL_STATE=fault\n"
    assert not Journal({}, str(tmp_path / "missing")).write("not delivered")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    text = files("lapel.service").joinpath("lapel-camera.service").read_text()
    text = text.replace("{command}", "/bin/true").replace("{console}", "").replace("{groups}", "video audio")
    path = tmp_path / "lapel-camera.service"
    path.write_text(text)
    return path


def test_the_unit_file_is_one_that_systemd_takes_and_rates_as_safe(unit: Path) -> None:
    analyze = real("systemd-analyze")
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=30", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for lapel-camera\.service: ([\d.]+)", rated.stdout)
    assert found is not None, rated.stderr
    assert (rated.returncode, float(found[1]) <= 3.0) == (0, True), found[0]
    assert "adjtimex is allowed" in rated.stdout, "else the service could not read whether the clock is synced"
