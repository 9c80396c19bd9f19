"""Offload to a real OpenStack Swift on loopback, beside `rclone` with the same files; memory of one upload.

Both send two files at a time and compare checksums. Swift's four servers share the processor with them.
"""

import asyncio
import os
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.link.backoff import Backoff
from lapel.offload.axis import AxisDestination
from lapel.offload.axis_session import AxisSettings
from lapel.offload.engine import Offloader
from lapel.offload.listener import Gate
from lapel.offload.progress import MemoryNotes
from lapel.outgoing import OutgoingClip, StoredFile
from lapel.recording import Account, Cause
from lapel.worker import ThreadWorker

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # where the Swift of the tests is

from system.swift_server import SECRET, USER, SwiftServer, swift_server

_LEAST_SHARE = 0.8
_MOST_UPLOAD_BYTES = 16e6
_MEGABYTE = 1_000_000


def main(recordings: int = 4, size_bytes: int = 60 * _MEGABYTE, large_bytes: int = 600 * _MEGABYTE) -> list[Figure]:
    """Speed for recordings of a minute at 8 Mb/s, and peak memory for one clip of `large_bytes`."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "swift").mkdir()
        with swift_server(folder / "swift") as server:
            figures = [_memory(server, large_bytes)]
            if shutil.which("rclone"):
                figures = [*_speed(folder, server, recordings, size_bytes), *figures]
        return figures


def _speed(folder: Path, server: SwiftServer, recordings: int, size_bytes: int) -> list[Figure]:
    total = recordings * size_bytes
    ours_s, theirs_s = [], []
    for attempt in range(3):
        root = folder / f"evidence-{attempt}"
        for number in range(recordings):
            _write_clip(root, f"2026-{attempt}-{number:08x}", size_bytes)
        ours_s.append(_offload_s(server, root, attempt))
        theirs_s.append(_rclone_s(server, root, attempt))
    name = f"offload of {total / _MEGABYTE:.0f} MB to Swift"
    return [Figure(name, min(ours_s), "s", "rclone", min(theirs_s), bound=min(theirs_s) / _LEAST_SHARE)]


def _write_clip(root: Path, name: str, size_bytes: int) -> None:
    clip = root / name
    clip.mkdir(parents=True)
    rng = random.Random(name)
    with (clip / "video.mp4").open("wb") as file:
        for _ in range(size_bytes // _MEGABYTE):
            file.write(rng.randbytes(_MEGABYTE))


class _Folder:
    """Implements `OutgoingRecordings`, for folders that hold a video only."""

    def __init__(self, root: Path, minute: int) -> None:
        self._root, self._minute = root, minute

    def clips(self) -> list[OutgoingClip]:
        return [self._clip(number, path) for number, path in enumerate(sorted(self._root.iterdir()))]

    def read(self, recording: str, name: str, offset: int, length: int) -> bytes:
        with (self._root / recording / name).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def confirm(self, recording: str, receipt: bytes) -> str:
        raise NotImplementedError

    def note_read_back(self, recording: str, where: str) -> None:
        raise NotImplementedError

    def _clip(self, number: int, folder: Path) -> OutgoingClip:
        at = f"2026-11-24T07:{self._minute:02}:{number:02}.000Z"
        account = Account(
            recording=folder.name, status="complete", agency="demo", site="home", camera="cam-0001", session="s",
            firmware="bench", clock_quality="synced", trigger_time=at, start_time=at, start=Cause("button"),
            prebuffer_configured_s=0.0,
        )  # fmt: skip
        return OutgoingClip(account, [StoredFile("video.mp4", (folder / "video.mp4").stat().st_size)])


class _Listener:
    """Counts what has arrived."""

    def __init__(self, count: int) -> None:
        self._left, self.done = count, asyncio.Event()

    def on_offloaded(self, *_: object) -> None:
        self._left -= 1
        if not self._left:
            self.done.set()

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def _offload_s(server: SwiftServer, root: Path, minute: int) -> float:
    return asyncio.run(_offload(server.address, root, minute))


async def _offload(address: str, root: Path, minute: int) -> float:
    listener, worker = _Listener(len(list(root.iterdir()))), ThreadWorker()
    engine = Offloader(
        AxisDestination(AxisSettings(addresses=(address,), user=USER, secret=SECRET)),
        _Folder(root, minute),
        MemoryNotes(),
        clock=SystemClock(),
        worker=worker,
        waits=Backoff(random.Random(1)),
        listener=listener,  # type: ignore[arg-type]
        gate=Gate,
        uploads=2,
    )
    began_s = perf_counter()
    running = asyncio.create_task(engine.run())
    await listener.done.wait()
    took_s = perf_counter() - began_s
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    worker.close()
    return took_s


def _rclone_s(server: SwiftServer, root: Path, attempt: int) -> float:
    own = {"TYPE": "swift", "AUTH": server.address, "USER": USER, "KEY": SECRET}
    environment = {**os.environ, **{f"RCLONE_CONFIG_STORE_{key}": value for key, value in own.items()}}
    command = ["rclone", "copy", "--transfers", "2", "--config", "", str(root), f"store:rclone-{attempt}"]
    began_s = perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return perf_counter() - began_s


def _memory(server: SwiftServer, size_bytes: int) -> Figure:
    """How much more memory a process has needed after a large clip than after a small one."""
    with TemporaryDirectory() as name:
        for clip, size in (("small-00000001", _MEGABYTE), ("large-00000002", size_bytes)):
            folder = Path(name) / clip / clip
            folder.mkdir(parents=True)
            with (folder / "video.mp4").open("wb") as file:
                file.truncate(size)
        command = [sys.executable, "-m", "bench.bench_offload", server.address, name]
        grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    name = f"memory for a clip of {size_bytes / _MEGABYTE:.0f} MB, beyond that for 1 MB"
    return Figure(name, grown / _MEGABYTE, "MB", bound=_MOST_UPLOAD_BYTES / _MEGABYTE)


def _grown_bytes(address: str, folder: Path) -> int:
    """Run in a process of its own, whose peak is that of the upload."""
    asyncio.run(_offload(address, folder / "small-00000001", 50))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(_offload(address, folder / "large-00000002", 51))
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


if __name__ == "__main__":
    print(_grown_bytes(sys.argv[1], Path(sys.argv[2])))
