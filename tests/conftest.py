"""Fails a test that leaves a task, a thread or an open file behind."""

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
    """Exclude modules and tests from garbage collection: they are never freed, and the collection after each test
    spent half of its time on them.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def leak_guard(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compares threads and open files before and after each test; for coroutines also tasks."""
    if inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("task_guard")
    threads, files = set(threading.enumerate()), _open_files()
    yield
    gc.collect()
    left = [thread.name for thread in threading.enumerate() if thread not in threads and not _is_pool(thread)]
    assert not left, f"threads left behind: {left}"
    opened = _open_files() - files
    assert not opened, f"files left open: {sorted(opened)}"


@pytest.fixture
async def task_guard() -> AsyncIterator[None]:
    """Fails on tasks that a test coroutine started and neither awaited nor cancelled."""
    before = asyncio.all_tasks()
    yield
    left = [task.get_name() for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
    assert not left, f"tasks left behind: {left}"


def _is_pool(thread: threading.Thread) -> bool:
    """Whether the thread belongs to the event loop's pool (`asyncio.to_thread`), which ends after this fixture."""
    return thread.name.startswith("asyncio_")


def _open_files() -> set[str]:
    """Paths of open regular files; empty where there is no /proc."""
    found = set()
    for link in _FDS.iterdir() if _FDS.exists() else ():
        try:
            path = os.readlink(link)
        except OSError:
            continue  # the listing's own descriptor
        if path.startswith("/") and not path.startswith(("/dev/", "/proc/", "/sys/")) and os.path.isfile(path):
            found.add(path)
    return found
