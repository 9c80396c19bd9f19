"""A Dask cluster of real processes, started with Dask's own commands."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lapel.clock import SystemClock
from system.process import PATIENCE_S

_DASK = Path(sys.executable).with_name("dask")


@dataclass(frozen=True, slots=True)
class DaskCluster:
    address: str
    folder: Path

    @contextmanager
    def worker(self, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker without a nanny: killed, it stays dead."""
        command = ("worker", self.address, "--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        local = ("--local-directory", str(self.folder), *arguments)
        with _child(self.folder / f"{name}.log", *command, *local) as process:
            _wait_for(self.folder / f"{name}.log", "Registered to")
            yield process


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[DaskCluster]:
    """A scheduler and so many workers of one thread, which may take jobs right away."""
    with ExitStack() as stack:
        info = folder / "scheduler.json"
        arguments = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(info))
        stack.enter_context(_child(folder / "scheduler.log", *arguments))
        _wait_for(info, "address")
        cluster = DaskCluster(json.loads(info.read_text())["address"], folder)
        for number in range(workers):
            stack.enter_context(cluster.worker(f"worker-{number}"))
        yield cluster


@contextmanager
def _child(log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen([_DASK, *arguments], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_for(file: Path, text: str) -> None:
    wait_until(lambda: file.exists() and text in file.read_text(), f"{file}: {text!r} never came")


def wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """Block until `is_so`; fails with `otherwise` after PATIENCE_S."""
    clock = SystemClock()
    deadline_s = clock.mono_s() + PATIENCE_S
    while not is_so():
        assert clock.mono_s() < deadline_s, otherwise
        time.sleep(0.05)
