"""The leak guard catches what it is there for."""

import pytest

pytest_plugins = ["pytester"]

LEAKS = """
import asyncio, threading, time
KEPT = []

def test_thread():
    thread = threading.Thread(target=time.sleep, args=(1,), name="stray")
    thread.start()

def test_file(tmp_path):
    KEPT.append((tmp_path / "stray.txt").open("w"))

async def test_task():
    KEPT.append(asyncio.create_task(asyncio.sleep(1), name="stray"))

async def test_clean():
    await asyncio.sleep(0)
"""


def test_a_leaked_thread_file_or_task_is_an_error(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> None:
    pytester.makeconftest((request.config.rootpath / "tests" / "conftest.py").read_text())
    pytester.makepyfile(LEAKS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", "asyncio_mode=auto")
    result.assert_outcomes(passed=4, errors=3)
    result.stdout.fnmatch_lines_random(["*threads left behind*stray*", "*files left open*stray.txt*", "*tasks left*"])
