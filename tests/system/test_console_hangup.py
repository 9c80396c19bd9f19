"""Hanging up logs out, whatever state the line is in: the next one at the line has to prove who he is."""

import os
import random
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.hardware.desktop.pty import PtyLine
from system.technician import Client, client, is_asked_to_log_in, serviced

NOISE_BYTES = 200_000


async def test_a_client_that_typed_far_ahead_and_never_read_is_logged_out_by_hanging_up(tmp_path: Path) -> None:
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        with client(line) as stalled:
            stalled.log_in()
            stalled.flood(b"log show 2000\r" * 400)
            stalled.flood(b"note my own words\r" * 20_000)
        with client(line) as stranger:
            is_asked_to_log_in(stranger)


async def test_so_is_a_program_in_machine_mode_that_never_read(tmp_path: Path) -> None:
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        with client(line) as stalled:
            stalled.log_in()
            stalled.send(b"machine\r")
            stalled.expect(b"lapel-machine")
            stalled.flood(b"this is no request\r" * 20_000)
        with client(line) as stranger:
            is_asked_to_log_in(stranger)


@pytest.mark.parametrize("seed", range(3))
async def test_after_a_burst_of_noise_the_next_one_logs_in(tmp_path: Path, seed: int) -> None:
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        with client(line) as noise:
            noise.flood(random.Random(seed).randbytes(NOISE_BYTES))
        with client(line) as technician:
            technician.log_in()
            technician.send(b"status\r")
            technician.expect(b"READY")
        assert "Traceback" not in cam.err


async def test_noise_at_the_keys_of_somebody_logged_in_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        with client(line) as noise:
            noise.log_in()
            noise.flood(random.Random(7).randbytes(NOISE_BYTES))
        with client(line) as stranger:
            is_asked_to_log_in(stranger)


async def test_closing_and_opening_again_at_once_is_a_hang_up(tmp_path: Path) -> None:
    """Far quicker than anybody looks: the kernel reports no hang-up at all."""
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        for _ in range(20):
            technician = Client(line)
            technician.log_in()
            technician.send(b"note my own words\r")
            technician.expect(rb"on record\r\n\rcam-0001 \w+> ")  # unread, it would be the next one's to read
            technician.hang_up()
            with client(line) as stranger:
                stranger.send(b"status\r")
                is_asked_to_log_in(stranger)
        record = (tmp_path / "evidence" / ".lapel" / "console.jsonl").read_text()
        assert record.count('"kind":"note"') == record.count('"why":"hang-up"') == 20
        assert "status" not in record


async def test_what_one_had_typed_is_not_taken_for_the_next_ones(tmp_path: Path) -> None:
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        with client(line) as noise:
            noise.log_in()
            noise.pour(random.Random(1).randbytes(50_000))
        with client(line) as technician:
            technician.log_in()


async def test_whoever_opens_the_line_is_told_nothing_that_was_for_the_one_before() -> None:
    line = PtyLine(SystemClock())
    flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK
    first = os.open(line.path, flags)
    await line.attached()
    line.write(b"what the first did not read")
    os.close(first)
    second = os.open(line.path, flags)
    try:
        line.write(b"what was said before anybody noticed")
        assert await line.read() == b""
        with pytest.raises(BlockingIOError):
            os.read(second, 100)
    finally:
        os.close(second)
        line.close()


async def test_whoever_opens_a_line_in_use_ends_that_visit(tmp_path: Path) -> None:
    """Two at one line see the same screen and share the keys: nobody stays logged in for the other."""
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        with client(line) as technician:
            technician.log_in()
            with client(line):
                technician.expect(b"login: ")
