"""The leak guard of `conftest.py` reports threads, files and tasks that a test leaves behind."""

import pytest

pytest_plugins = ["pytester"]

LEAKS = """
import asyncio, threading, time
KEPT = []

def test_thread():
    thread = threading.Thread(target=time.sleep, args=(1,), name="leaked")
    thread.start()

def test_file(tmp_path):
    KEPT.append((tmp_path / "leaked.txt").open("w"))

async def test_task():
    KEPT.append(asyncio.create_task(asyncio.sleep(1), name="leaked"))

async def test_clean():
    await asyncio.sleep(0)
"""


def test_a_leaked_thread_file_or_task_is_an_error(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> None:
    pytester.makeconftest((request.config.rootpath / "tests" / "conftest.py").read_text())
    pytester.makepyfile(LEAKS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", "asyncio_mode=auto")
    result.assert_outcomes(passed=4, errors=3)
    result.stdout.fnmatch_lines_random(["*threads left behind*leaked*", "*files left open*leaked.txt*", "*tasks left*"])
