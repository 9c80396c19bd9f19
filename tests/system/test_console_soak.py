"""What happens at the console while the camera records: no picture is lost, and the next visitor sees nothing of it."""

import asyncio
import random
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.evidence.store import EvidenceStore
from lapel.recording import Account
from system.process import SMALL_SCENE, Program
from system.technician import Client, client, is_asked_to_log_in, serviced
from system.videos import SCENE_FPS, complaints, shots

HD = ("--video", "scene", "--width", "1920", "--height", "1080", "--bitrate", "8000000")
RESIZES = 1_000


async def test_whatever_a_client_does_no_picture_is_lost(tmp_path: Path) -> None:
    with serviced(tmp_path, *SMALL_SCENE) as (cam, line):
        async with recording(cam, line):
            await mischief(line, each_s=1.0, noise_bytes=50_000)
    account = only_account(tmp_path)
    assert lost(account) == 0, account
    assert every_picture_is_there(tmp_path, account)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_for_minutes_in_1080p30_beside_a_camera_whose_console_is_left_alone(tmp_path: Path) -> None:
    ours, peers = tmp_path / "ours", tmp_path / "peers"
    ours.mkdir()
    peers.mkdir()
    with serviced(ours, *HD) as (cam, line), serviced(peers, *HD) as (peer_cam, peer_line):
        async with recording(peer_cam, peer_line), recording(cam, line):
            await mischief(line, each_s=60.0, noise_bytes=1_000_000)
    account, peer = only_account(ours), only_account(peers)
    print(f"mischief: {told(account)}\npeer:     {told(peer)}")
    assert lost(account) <= 2 * lost(peer)  # a machine that is too busy for the peer proves nothing
    assert lost(account) > 0 or every_picture_is_there(ours, account)


@asynccontextmanager
async def recording(cam: Program, line: Path) -> AsyncIterator[None]:
    """The camera records, begun and ended by somebody who logs in for it and sees nothing of who was there before."""
    await cam.says("buffering")
    with client(line) as technician:
        technician.log_in()
        technician.send(b"record start soak\r")
        technician.expect(b"cam-0001 recording> ")
    yield
    with client(line) as technician:
        is_asked_to_log_in(technician)
        technician.log_in()
        technician.send(b"record stop done\r")
        technician.expect(b"cam-0001 buffering> ")
    await cam.says("saved ")
    assert "Traceback" not in cam.err


async def mischief(line: Path, each_s: float, noise_bytes: int) -> None:
    """One bad client after the other, each logged in."""
    for trick in (
        partial(hurry, for_s=each_s),
        partial(forget_to_read, for_s=each_s),
        partial(pour, data=random.Random(1).randbytes(noise_bytes)),
        partial(pour, data=b"\x03" * noise_bytes),
        say_stop_and_never_go,
        resize,
    ):
        with client(line) as one:
            one.log_in()
            await trick(one)


async def hurry(one: Client, for_s: float) -> None:
    """Command after command, as fast as they are answered."""
    clock = SystemClock()
    until_s = clock.mono_s() + for_s
    while clock.mono_s() < until_s:
        one.send(b"help\r")
        one.expect(b"cam-0001 recording> ")


async def forget_to_read(one: Client, for_s: float) -> None:
    one.send(b"log follow\r")
    one.flood(b"\x03" + b"help\r" * 10_000)
    await asyncio.sleep(for_s)


async def pour(one: Client, data: bytes) -> None:
    one.pour(data)


async def say_stop_and_never_go(one: Client) -> None:
    """As a terminal does when somebody presses ^S; and then as a driver does that obeys it."""
    one.send(b"\x13status\r")
    one.expect(b"recording> ")
    settings = termios.tcgetattr(one.child_fd)
    settings[0] |= termios.IXON
    termios.tcsetattr(one.child_fd, termios.TCSANOW, settings)
    one.send(b"\x13help\r")
    termios.tcflow(one.child_fd, termios.TCIOFF)
    await asyncio.sleep(0.1)


async def resize(one: Client) -> None:
    for number in range(RESIZES):
        termios.tcsetwinsize(one.child_fd, (24, 20 + number % 100))
        one.pour(b"\x1b[1;%dR" % (20 + number % 100))


def only_account(folder: Path) -> Account:
    (account,) = EvidenceStore(folder / "evidence").listing()
    assert account.status == "complete"
    return account


def lost(account: Account) -> int:
    """Pictures that should be there and are not."""
    gaps = sum(round(gap.duration_s * SCENE_FPS) for gap in account.gaps)
    return max(account.dropped_frames, gaps, round(account.duration_s * SCENE_FPS) - account.frames)


def every_picture_is_there(folder: Path, account: Account) -> bool:
    """As the numbers say that are drawn into the pictures."""
    video = EvidenceStore(folder / "evidence").video(account.recording)
    assert complaints(video) == ""
    numbers = [shot.number for shot in shots(video)]
    return len(numbers) == account.frames and all(later - earlier == 1 for earlier, later in pairwise(numbers))


def told(account: Account) -> str:
    return f"{account.frames} frames in {account.duration_s:.1f} s, {lost(account)} lost, {len(account.gaps)} gaps"
