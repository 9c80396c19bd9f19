"""What happens at the console while the camera records: no picture is lost, and the next visitor sees nothing of it."""

import asyncio
import random
import signal
import termios
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.evidence.store import EvidenceStore
from lapel.recording import Account
from system.process import SMALL_SCENE, camera_on, terminal
from system.technician import Client, client, is_asked_to_log_in, serviced
from system.videos import SCENE_FPS, complaints, shots

HD = ("--video", "scene", "--width", "1920", "--height", "1080", "--bitrate", "8000000")
RESIZES = 1_000


async def test_whatever_a_client_does_no_picture_is_lost(tmp_path: Path) -> None:
    account = await recorded_meanwhile(tmp_path, SMALL_SCENE, each_s=1.0, noise_bytes=50_000)
    assert lost(account) == 0, account
    assert every_picture_is_there(tmp_path, account)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_for_minutes_in_1080p30_beside_a_camera_without_a_console(tmp_path: Path) -> None:
    ours, peers = tmp_path / "ours", tmp_path / "peers"
    account = await recorded_meanwhile(ours, HD, each_s=60.0, noise_bytes=1_000_000)
    peer = await recorded_without_a_console(peers, HD, account.duration_s)
    print(f"with a console {told(account)}\nwithout       {told(peer)}")
    assert lost(account) <= lost(peer)
    assert every_picture_is_there(ours, account) or lost(peer)


async def recorded_meanwhile(folder: Path, picture: tuple[str, ...], each_s: float, noise_bytes: int) -> Account:
    """Of a recording that one bad client after the other had the console of, `each_s` seconds a trick."""
    folder.mkdir(exist_ok=True)
    tricks: list[Callable[[Client], None]] = [
        lambda one: one.pour(random.Random(1).randbytes(noise_bytes)),
        lambda one: one.pour(b"\x03" * noise_bytes),
        says_stop_and_never_go,
        is_resized,
    ]
    with serviced(folder, *picture) as (cam, line):
        await cam.says("buffering")
        with client(line) as technician:
            technician.log_in()
            technician.send(b"record start soak\r")
            technician.expect(b"cam-0001 recording> ")
            await hurries(technician, each_s)
            technician.send(b"log follow\r")
            technician.flood(b"\x03" + b"help\r" * 10_000)
            await asyncio.sleep(each_s)  # and reads nothing
        for trick in tricks:
            with client(line) as vandal:
                vandal.log_in()
                trick(vandal)
                await asyncio.sleep(each_s / 10)
        cam.tell(signal.SIGWINCH)
        with client(line) as technician:
            is_asked_to_log_in(technician)
            technician.log_in()
            technician.send(b"record stop done\r")
            technician.expect(b"cam-0001 buffering> ")
        await cam.says("saved ")
        assert "Traceback" not in cam.err
    return only_account(folder)


async def recorded_without_a_console(folder: Path, picture: tuple[str, ...], for_s: float) -> Account:
    folder.mkdir()
    with terminal() as keys:
        with camera_on(keys, folder, *picture, "--prebuffer", "1") as cam:
            await keys.shows("buffer 1 s")
            keys.type(" ")
            await asyncio.sleep(for_s - 1)
            keys.type(" ")
            await keys.shows("saved ")
            keys.type("q")
            assert await cam.ends() == 0
    return only_account(folder)


async def hurries(technician: Client, for_s: float) -> None:
    """Command after command, as fast as they are answered."""
    clock = SystemClock()
    until_s = clock.mono_s() + for_s
    while clock.mono_s() < until_s:
        technician.send(b"help\r")
        technician.expect(b"cam-0001 recording> ")


def says_stop_and_never_go(one: Client) -> None:
    """As a terminal does when somebody presses ^S; on top of it, a driver that obeys it."""
    one.send(b"\x13status\r")
    one.expect(b"recording> ")
    settings = termios.tcgetattr(one.child_fd)
    settings[0] |= termios.IXON
    termios.tcsetattr(one.child_fd, termios.TCSANOW, settings)
    one.send(b"\x13help\r")
    termios.tcflow(one.child_fd, termios.TCIOFF)


def is_resized(one: Client) -> None:
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
    return f"{account.frames} frames in {account.duration_s:.1f} s, {lost(account)} lost, gaps {account.gaps}"
