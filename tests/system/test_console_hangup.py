"""Hanging up logs out, whatever state the line is in: the next client has to log in."""

import os
import random
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.hardware.desktop.pty import PtyLine
from system.technician import Client, assert_login_required, camera_with_console, client

NOISE_BYTES = 200_000


async def test_hanging_up_logs_out_a_client_that_typed_ahead_and_never_read(tmp_path: Path) -> None:
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with client(line) as stalled:
            stalled.log_in()
            stalled.flood(b"log show 2000\r" * 400)
            stalled.flood(b"note confidential note\r" * 20_000)
        with client(line) as next_client:
            assert_login_required(next_client)


async def test_hanging_up_logs_out_a_program_in_machine_mode_that_never_read(tmp_path: Path) -> None:
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with client(line) as stalled:
            stalled.log_in()
            stalled.send(b"machine\r")
            stalled.expect(b"lapel-machine")
            stalled.flood(b"this is no request\r" * 20_000)
        with client(line) as next_client:
            assert_login_required(next_client)


@pytest.mark.parametrize("seed", range(3))
async def test_after_a_burst_of_noise_the_next_client_can_log_in(tmp_path: Path, seed: int) -> None:
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with client(line) as noise:
            noise.flood(random.Random(seed).randbytes(NOISE_BYTES))
        with client(line) as technician:
            technician.log_in()
            technician.send(b"status\r")
            technician.expect(b"READY")
        assert "Traceback" not in cam.err


async def test_after_noise_in_a_session_the_next_client_has_to_log_in(tmp_path: Path) -> None:
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with client(line) as noise:
            noise.log_in()
            noise.flood(random.Random(7).randbytes(NOISE_BYTES))
        with client(line) as next_client:
            assert_login_required(next_client)


async def test_closing_and_reopening_at_once_is_a_hang_up(tmp_path: Path) -> None:
    """Faster than the camera polls: the kernel reports no hang-up at all."""
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        for _ in range(20):
            technician = Client(line)
            technician.log_in()
            technician.send(b"note confidential note\r")
            # output that stays unread would be delivered to the next client
            technician.expect(rb"written to the console log\r\n\rcam-0001 \w+> ")
            technician.hang_up()
            with client(line) as next_client:
                next_client.send(b"status\r")
                assert_login_required(next_client)
        console_log = (tmp_path / "evidence" / ".lapel" / "console.jsonl").read_text()
        assert console_log.count('"kind":"note"') == console_log.count('"why":"hang-up"') == 20
        assert "status" not in console_log


async def test_input_of_one_client_is_not_executed_for_the_next(tmp_path: Path) -> None:
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with client(line) as noise:
            noise.log_in()
            noise.send_all(random.Random(1).randbytes(50_000))
        with client(line) as technician:
            technician.log_in()


async def test_a_new_client_receives_no_output_that_was_for_the_one_before() -> None:
    line = PtyLine(SystemClock())
    flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK
    first = os.open(line.path, flags)
    await line.attached()
    line.write(b"output that the first client did not read")
    os.close(first)
    second = os.open(line.path, flags)
    try:
        line.write(b"output from before the change was noticed")
        assert await line.read() == b""
        with pytest.raises(BlockingIOError):
            os.read(second, 100)
    finally:
        os.close(second)
        line.close()


async def test_opening_a_line_in_use_ends_the_session_on_it(tmp_path: Path) -> None:
    """Two clients of one pty share screen and input, so neither may stay logged in."""
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with client(line) as technician:
            technician.log_in()
            with client(line):
                technician.expect(b"login: ")
