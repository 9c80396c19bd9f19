"""What a test leaves behind fails it: a task, a thread, an open file."""

import asyncio
import gc
import inspect
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("lapel", derandomize=True, deadline=None)
settings.load_profile("lapel")

_FDS = Path("/proc/self/fd")


def pytest_collection_finish() -> None:
    """Modules and tests stay: a collection after each test need not look through them again. That took half of
    the time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def leak_guard(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compares threads and open files before and after; for a coroutine, tasks too."""
    if inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("task_guard")
    threads, files = set(threading.enumerate()), _open_files()
    yield
    gc.collect()
    left = [one.name for one in threading.enumerate() if one not in threads and not _is_pool(one)]
    assert not left, f"threads left behind: {left}"
    opened = _open_files() - files
    assert not opened, f"files left open: {sorted(opened)}"


@pytest.fixture
async def task_guard() -> AsyncIterator[None]:
    """Tasks that a coroutine started and neither ended nor cancelled."""
    before = asyncio.all_tasks()
    yield
    left = [task.get_name() for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
    assert not left, f"tasks left behind: {left}"


def _is_pool(thread: threading.Thread) -> bool:
    """The loop's own pool (`asyncio.to_thread`) ends with the loop, after this fixture."""
    return thread.name.startswith("asyncio_")


def _open_files() -> set[str]:
    """Paths of open regular files; empty where the kernel does not tell."""
    found = set()
    for link in _FDS.iterdir() if _FDS.exists() else ():
        try:
            path = os.readlink(link)
        except OSError:
            continue  # the listing's own descriptor
        if path.startswith("/") and not path.startswith(("/dev/", "/proc/", "/sys/")) and os.path.isfile(path):
            found.add(path)
    return found
