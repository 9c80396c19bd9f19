"""`lapel-fleet serve`: a fleet, its page, and a browser."""

import os
import signal
import sqlite3
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest
from playwright.async_api import Browser, Page

from fleet.operator.messages import state
from lapel.clock import SystemClock, iso
from lapel.link.messages import EventMessage
from lapel_fleet.broker.embedded import embedded_broker, free_port
from system.brokers import real
from system.browser import browser, opened, plays, screenshot, serious
from system.process import Program, program

FLEET = Path(sys.executable).with_name("lapel-fleet")
DAY = """
duration_s = 900
media = "clip"
telemetry_s = 5
prebuffer_s = 10
[sites]
baltimore = 30
buffalo = 20
detroit = 10
[wearer]
activations_per_hour = 0
[[faults]]
kind = "video.unplugged"
at_s = 2
for_s = 900
cameras = ["baltimore/cam-0003"]
[[faults]]
kind = "network.down"
at_s = 3
for_s = 900
cameras = ["detroit/cam-0004"]
"""
CAMERA = "baltimore/cam-0002"


def serve(
    folder: Path, url: str, name: str = "serve", port: int = 0, more: tuple[str | Path, ...] = ()
) -> AbstractContextManager[Program]:
    tokens = folder / "tokens"
    tokens.write_text(f"ann {'a' * 24}\nbob {'b' * 24}\n")
    options = ("--port", str(port), "--tokens", tokens, "--history", folder / "history.sqlite")
    return program(folder, name, FLEET, "serve", "--broker", url, *options, *more)


async def address(page: Program, operator: str = "ann") -> str:
    """Where that operator logs in."""
    return (await page.prints(rf"{operator}: (http\S+)"))[1]


async def test_an_operator_finds_a_camera_and_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real("mosquitto")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "day.toml").write_text(DAY)
    complaints: list[str] = []
    async with embedded_broker("mosquitto") as broker, browser() as chromium:
        with ExitStack() as stack:
            fleet = stack.enter_context(program(
                tmp_path, "run", FLEET, "run", tmp_path / "day.toml", "--broker", broker.url, "--agency", "demo",
                "--seed", "1", "--live", "0", "--live-tokens", tmp_path / "live", "--run", "page",
                "--trace", tmp_path / "trace",
            ))  # fmt: skip
            source = (await fleet.prints(r"live view: (http\S+)/ with"))[1]
            more = ("--live", source, "--live-token", tmp_path / "live", "--run", "page")
            server = stack.enter_context(serve(tmp_path, broker.url, more=more))
            page = await opened(chromium, await address(server), complaints, viewport={"width": 1100, "height": 820})
            await page.get_by_text("60 of 60 cameras").wait_for()
            await page.get_by_role("link", name="baltimore/cam-0003").first.wait_for()  # needs attention
            await page.get_by_text("no frames from the video source").wait_for()
            options = ("send", "baltimore/cam-001*", "start-recording", "--reason", "drill", "--broker", broker.url)
            with program(tmp_path, "send", FLEET, *options) as sending:
                assert await sending.ends() == 0, sending.out + sending.err
            await page.keyboard.press("/")
            await page.keyboard.type("buffalo")
            await page.get_by_text("20 of 60 cameras").wait_for()
            await page.wait_for_timeout(1000)
            assert await serious(page) == []
            await page.fill("#words", "")
            await screenshot(page, "page.png")

            await page.fill("#words", CAMERA)
            await page.locator("#cameras").get_by_role("link", name=CAMERA).click()
            await start_and_stop(page)
            assert await serious(page) == []
            await page.evaluate("scrollTo(0, 0)")
            await screenshot(page, "page-camera.png")
            await by_hand(page)
            await on_a_phone_in_the_dark(chromium, await address(server, "bob"), complaints)
            assert complaints == []
            fleet.send_signal(signal.SIGINT)
            await fleet.ends()
    trace = (tmp_path / "trace").read_text()
    assert f" {CAMERA} video.unplugged, by hand (ann), as fault 1\n" in trace
    assert " run fault 1 ended, by hand (ann)\n" in trace


async def start_and_stop(page: Page) -> None:
    """Sends a start, sees *recording* within two seconds, and the stop with its account. On a machine with more to do
    than it has cores, everything takes longer by as much.
    """
    overload = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    await command(page, "start-recording")
    await page.locator("#camera_state .lead .recording").wait_for(timeout=2000 * overload)
    await page.locator("#camera_state .node.active.recording").wait_for()
    await page.locator("#camera_commands").get_by_text("start-recording by ann, drill: done").first.wait_for()
    await page.locator("#camera_recordings .clip .outcome.recording").wait_for()
    await command(page, "mark")
    await page.locator("#camera_recordings .clip .marker").first.wait_for(state="attached")
    await watch(page)
    await command(page, "stop-recording")
    await page.locator("#camera_recordings .clip .outcome.saved").first.wait_for()


async def watch(page: Page) -> None:
    """Three seconds of live view and a thumbnail; each is on record."""
    await page.get_by_role("button", name="Watch").click()
    await page.locator("#camera_events").get_by_text("live-viewed").wait_for()
    await plays(page, 3.0)
    await page.locator("#camera_state").get_by_text("live-view", exact=True).wait_for()
    assert await serious(page) == []
    await page.locator("#live").scroll_into_view_if_needed()
    await screenshot(page, "page-live.png")
    await page.get_by_role("button", name="Stop watching").click()
    await page.get_by_role("button", name="A thumbnail every 5 s").click()
    await page.locator("#live img").wait_for()
    await page.get_by_role("button", name="No more thumbnails").click()


async def by_hand(page: Page) -> None:
    """A fault of the simulated camera, until it is ended."""
    await page.select_option("#kind", "video.unplugged")
    await page.get_by_role("button", name="Inject the fault").click()
    assert await serious(page) == []
    await page.get_by_role("button", name="Do it").click()
    await page.locator("#camera_state").get_by_text("source-lost", exact=True).wait_for()
    await page.locator("#by-hand").scroll_into_view_if_needed()
    await screenshot(page, "page-by-hand.png")
    await page.get_by_role("button", name="End fault 1").click()
    await page.get_by_role("button", name="Do it").click()
    await page.locator("#camera_faults").get_by_text("No fault was injected by hand.").wait_for()


async def command(page: Page, name: str) -> None:
    await page.fill("#reason", "drill")
    await page.get_by_role("button", name=name, exact=True).click()
    await page.get_by_role("button", name=f"Send {name}").click()


async def on_a_phone_in_the_dark(chromium: Browser, url: str, complaints: list[str]) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 400, "height": 800}, "color_scheme": "dark", "has_touch": True}
    page = await opened(chromium, url, complaints, **phone)
    await page.get_by_text("60 of 60 cameras").wait_for()
    for path in (None, f"/camera?name={CAMERA}"):
        if path:
            await page.goto(f"{url.partition('/login')[0]}{path}")
            await page.get_by_text("start-recording by ann").first.wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 400
        assert await serious(page) == []
    await page.get_by_role("link", name="The fleet").click()
    await page.get_by_text("60 of 60 cameras").wait_for()
    await screenshot(page, "page-phone.png")
    await page.get_by_role("button", name="Log out").click()
    await page.get_by_label("Token").wait_for()
    assert await serious(page) == []


async def test_two_operators_and_a_server_that_is_killed(tmp_path: Path) -> None:
    """Nothing is forgotten and nothing doubled, though events come while the server is away."""
    real("mosquitto")
    clock, complaints = SystemClock(), list[str]()
    async with embedded_broker("mosquitto") as broker, aiomqtt.Client("127.0.0.1", broker.port) as camera:

        async def publish(number: int) -> None:
            fields = {"kind": "marker", "mono_s": number, "camera": "cam-1", "session": "s", "detail": {}}
            one = EventMessage(id=f"e-{number}", time=iso(clock.now().utc), **fields)  # type: ignore[arg-type]
            await camera.publish("lapel/v1/demo/home/cam-1/event", msgspec.json.encode(one), qos=1)

        async def publish_state(doing: str) -> None:
            payload = msgspec.json.encode(state("home/cam-1", doing, since=iso(clock.now().utc)))
            await camera.publish("lapel/v1/demo/home/cam-1/state", payload, 1, retain=True)

        port = free_port()
        await publish_state("buffering")
        async with browser() as chromium:
            with serve(tmp_path, broker.url, port=port) as server:
                pages = [await opened(chromium, await address(server, name), complaints) for name in ("ann", "bob")]
                for number in range(1, 21):
                    await publish(number)
                for page in pages:
                    await page.locator("#events li").nth(19).wait_for()
                server.kill()
            await publish_state("recording")
            for number in range(21, 31):
                await publish(number)
            with serve(tmp_path, broker.url, "again", port) as server:
                await pages[0].locator("#cameras .state.recording").wait_for()  # without being opened again
                page = await opened(chromium, await address(server), complaints)
                await publish(31)
                await page.locator("#events li").nth(30).wait_for()
                assert await page.locator("#events li").count() == 31
                server.send_signal(signal.SIGTERM)
                assert await server.ends() == 0
                assert server.err == ""
    with sqlite3.connect(tmp_path / "history.sqlite") as history:
        ids = [id_ for (id_,) in history.execute("SELECT id FROM events")]
        doing = list(history.execute("SELECT camera, state FROM states"))
    history.close()
    assert sorted(ids, key=lambda one: int(one[2:])) == [f"e-{number}" for number in range(1, 32)]
    assert doing == [("home/cam-1", "buffering"), ("home/cam-1", "recording")]


async def test_what_cannot_be_served_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "no-history").mkdir()
    async with embedded_broker() as broker:
        with serve(tmp_path, broker.url) as server:
            port = (await address(server)).split(":")[2].partition("/")[0]
            for name, code, options, text in (
                ("port", 2, ["--port", port], f"--port {port}: cannot listen there"),
                ("history", 3, ["--port", "0", "--history", tmp_path / "no-history"], "unable to open database file"),
                ("origin", 2, ["--origin", "fleet.example"], "give https://HOST[:PORT]"),
            ):
                with program(tmp_path, name, FLEET, "serve", "--broker", broker.url, *options) as other:
                    assert await other.ends() == code, other.err
                    assert text in other.err
                    assert "Traceback" not in other.err
    with program(tmp_path, "gone", FLEET, "serve", "--broker", "mqtt://127.0.0.1:1", "--port", "0") as gone:
        assert await gone.ends() == 4
        assert "is a broker running there?" in gone.err
