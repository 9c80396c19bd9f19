"""Live view of a real camera process and of simulated cameras, in a real browser."""

import asyncio
import base64
import json
import re
import signal
import socket
import ssl
import sys
from pathlib import Path

import httpx
import pytest

from lapel.clock import SystemClock
from lapel_fleet.broker.authority import Authority
from system.brokers import real
from system.browser import browser, opened, plays
from system.process import SMALL_SCENE, camera, camera_on, program, terminal, until

CAMERA = Path(sys.executable).with_name("lapel-camera")
FLEET = Path(sys.executable).with_name("lapel-fleet")
LINK = r"(http://(\S+?):(\S+?)@127\.0\.0\.1:(\d+)/)"
DAY = """
duration_s = 900
prebuffer_s = 5
media = "pixels"
[sites]
home = 2
[wearer]
activations_per_hour = 0
[[faults]]
kind = "video.unplugged"
at_s = 9
for_s = 2
cameras = ["home/cam-0001"]
"""


async def test_a_browser_plays_a_recording_with_sound_and_who_watched_is_on_record(tmp_path: Path) -> None:
    real("chromium")
    flags = (*SMALL_SCENE, "--audio", "tone", "--live", "0")
    with terminal(columns=200) as screen, camera_on(screen, tmp_path, *flags) as running:
        await until(lambda: re.search(LINK, screen.screen), lambda: screen.screen)
        link = re.search(LINK, screen.screen)
        assert link is not None
        complaints = list[str]()
        async with browser() as chromium:
            page = await opened(chromium, f"{link[1]}home/cam-0001/", complaints)
            await page.get_by_text("This camera is not recording").wait_for()
            await screen.shows("buffering")
            screen.type(" ")
            await page.locator("video").wait_for()  # without being opened again
            await plays(page, 3.0)
            await screen.shows(f"live view: {link[2]} watches")
            idle = [_never_read(int(link[4]), link[2], link[3]) for _ in range(20)]
            await plays(page, 2.0)
            screen.type(" ")
            await screen.shows(f"live view: {link[2]} has watched for")
            await page.wait_for_function("() => document.querySelector('video').ended", timeout=60_000)
            for one in idle:
                one.close()
        screen.type("q")
        assert await running.ends() == 0
    (account,) = (json.loads(path.read_text()) for path in (tmp_path / "evidence").glob("*/recording.json"))
    assert (account["gaps"], account["dropped_frames"]) == ([], 0)
    audit = next((tmp_path / "evidence").glob("**/audit*.jsonl")).read_text()
    assert '"live-viewed"' in audit
    assert '"live-view-ended"' in audit
    assert link[3] not in audit
    assert [one for one in complaints if "404" not in one] == []


def _never_read(port: int, name: str, token: str) -> socket.socket:
    """A viewer that requests segments and never reads an answer."""
    secret = base64.b64encode(f"{name}:{token}".encode()).decode()
    one = socket.create_connection(("127.0.0.1", port))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for number in range(1, 8):
        one.sendall(
            f"GET /home/cam-0001/{number}.m4s HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {secret}\r\n\r\n".encode()
        )
    return one


async def test_simulated_cameras_share_a_port_and_a_gap_does_not_end_the_view(tmp_path: Path) -> None:
    real("mosquitto")
    (tmp_path / "day.toml").write_text(DAY)
    command = (FLEET, "run", tmp_path / "day.toml", "--live", "0", "--run", f"live-{tmp_path.name[-8:]}")
    complaints = list[str]()
    with program(tmp_path, "run", *command) as running:
        link = await running.prints(LINK)
        run_id = (await running.prints(r"run (\S+): control"))[1]
        await _pressed(tmp_path, run_id)
        async with browser() as chromium:
            page = await opened(chromium, link[1], complaints)
            await page.get_by_role("link", name="home/cam-0001").click()
            await page.locator("video").wait_for()
            await plays(page, 9.0)  # the cable is out for two seconds of them
            await page.goto(f"{link[1]}home/cam-0002/")
            await page.get_by_text("This camera is not recording").wait_for()


async def _pressed(folder: Path, run_id: str) -> None:
    for attempt in range(100):
        press = (FLEET, "press", "home/cam-0001", "--times", "2", "--run", run_id)
        with program(folder, f"press-{attempt}", *press) as pressing:
            if await pressing.ends() == 0:
                return
        await asyncio.sleep(0.2)
    raise AssertionError("the run cannot be controlled")


async def test_beyond_this_machine_it_is_encrypted(tmp_path: Path) -> None:
    Authority(tmp_path, SystemClock().now().utc).provision([], [], ["localhost"], 1)
    (tmp_path / "camera.toml").write_text(
        f'[live]\nlisten = "0.0.0.0:0"\ncert = "{tmp_path}/broker.crt"\nkey = "{tmp_path}/broker.key"\n'
    )
    with camera(tmp_path, *SMALL_SCENE, "--config", tmp_path / "camera.toml") as running:
        port = (await running.prints(r"live view: https://\S+:(\d+)/ with a name and token of \S+live-tokens"))[1]
        name, token = (tmp_path / "evidence" / ".lapel" / "live-tokens").read_text().split()
        trusted = ssl.create_default_context(cafile=tmp_path / "ca.crt")
        async with httpx.AsyncClient(verify=trusted, base_url=f"https://localhost:{port}") as client:
            assert (await client.get("/home/cam-0001/")).status_code == 401
            page = await client.get("/home/cam-0001/", auth=(name, token))
            assert "This camera is not recording" in page.text
        running.send_signal(signal.SIGTERM)
        assert await running.ends() == 0
        assert token not in running.out + running.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((CAMERA, "run", "--video", "scene", "--live", "0.0.0.0:0"), "beyond this machine only with TLS"),
        ((CAMERA, "run", "--video", "scene", "--live", "here"), "--live here: give PORT or HOST:PORT"),
        ((CAMERA, "run", "--video", "scene", "--live", "0", "--live-tokens", "."), "--live-tokens .: cannot be read"),
        ((FLEET, "run", "smoke", "--live", "0"), "--live: the cameras film nothing; add --media clip"),
        ((FLEET, "run", "smoke", "--virtual", "--live", "0"), "--live with --virtual"),
        ((FLEET, "run", "smoke", "--media", "clip", "--live", "0", "--speed", "2"), "--live with --speed"),
        ((FLEET, "run", "five-cities", "--media", "clip", "--live", "0"), "with at most 100 cameras"),
        ((FLEET, "serve", "--live", "http://127.0.0.1:1"), "--live needs --live-token FILE"),
        ((FLEET, "serve", "--live", "http://camera.example", "--live-token", "tokens"), "only https://"),
        ((FLEET, "serve", "--run", "none-such"), "there is no such run"),
    ],
)
async def test_what_cannot_be_is_one_line(tmp_path: Path, command: tuple[str | Path, ...], words: str) -> None:
    (tmp_path / "tokens").write_text(f"page {'p' * 24}\n")
    evidence = ("--evidence", tmp_path / "evidence") if command[0] == CAMERA else ()
    with program(tmp_path, "refused", *command, *evidence, cwd=tmp_path) as refused:
        assert await refused.ends() == 2, refused.out
        assert words in refused.err
        assert refused.err.count("\n") == 1, refused.err
