"""`UartLine` on the client side of a pseudo terminal, which is a tty device like any other. Not tried on a UART."""

import asyncio
import os
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.errors import ConfigError
from lapel.hardware.uart import UartLine
from system.process import PATIENCE_S


@contextmanager
def cable(device: Path) -> Iterator[int]:
    """The technician's end of a cable. The camera's end is the tty at `device`, removed at the end of the block."""
    master, slave = os.openpty()
    tty.setraw(slave)
    device.symlink_to(os.ttyname(slave))
    os.close(slave)
    try:
        yield master
    finally:
        device.unlink()
        os.close(master)


async def test_bytes_go_both_ways_and_a_device_that_vanished_is_reopened(tmp_path: Path) -> None:
    device = tmp_path / "ttyAMA0"
    line = UartLine(str(device), SystemClock())
    waiting = asyncio.create_task(line.attached())
    try:
        for greeting in (b"first", b"second"):
            with cable(device) as master:
                while not waiting.done():  # the line opens the device periodically, and flushes earlier input
                    os.write(master, greeting)
                    await asyncio.wait({waiting}, timeout=0.2)
                async with asyncio.timeout(PATIENCE_S):
                    assert greeting in await line.read()
                    assert line.write(b"answer")
                    await line.drained()
                assert os.read(master, 100) == b"answer"
            async with asyncio.timeout(PATIENCE_S):
                while await line.read():
                    pass
            assert not line.write(b"while unplugged")
            waiting = asyncio.create_task(line.attached())
    finally:
        waiting.cancel()
        await asyncio.wait({waiting})
        line.close()


async def test_a_hang_up_behind_unread_input_is_detected(tmp_path: Path) -> None:
    device = tmp_path / "ttyGS0"
    line = UartLine(str(device), SystemClock())
    try:
        with cable(device) as master:
            os.set_blocking(master, False)
            waiting = asyncio.create_task(line.attached())
            while not waiting.done():
                os.write(master, b"x")
                await asyncio.wait({waiting}, timeout=0.2)
            for _ in range(10):
                try:
                    os.write(master, bytes(4096))
                except BlockingIOError:
                    break
            await asyncio.sleep(0.3)
        await asyncio.sleep(0.5)
        assert not line.write(b"while unplugged")
    finally:
        line.close()


def test_an_unsupported_baud_rate_is_refused() -> None:
    with pytest.raises(ConfigError, match="12345 baud is no speed"):
        UartLine("/dev/ttyAMA0", SystemClock(), 12_345)
