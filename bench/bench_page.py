"""`lapel-fleet serve` with 13,400 cameras, a message of each in 30 s, and a browser. Needs Mosquitto and Chromium."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiomqtt
import msgspec
from playwright.async_api import CDPSession, Page, async_playwright

from bench.bench_storm import mosquitto
from bench.figure import Figure
from bench.measuring import process_bytes, process_cpu_s
from lapel.clock import SystemClock, iso
from lapel.link.messages import StateMessage, Telemetry
from lapel_fleet.broker.embedded import free_port, mosquitto_path

_FLEET = Path(sys.executable).with_name("lapel-fleet")
_SITES, _EVERY_S = 12, 30.0
_STATE_CHANGES = 20
"""Of so many messages one is a change of state; the others are telemetry, with another charge each time."""
_BARE = """
import asyncio, aiomqtt
async def main():
    async with aiomqtt.Client("127.0.0.1", {port}) as client:
        await client.subscribe("lapel/v1/demo/#")
        async for message in client.messages:
            message.payload
asyncio.run(main())
"""
_COUNT_UPDATES = """
seconds => new Promise(done => {
  let count = 0, bytes = 0;
  const stream = new EventSource("/stream?since=0");
  stream.onmessage = message => { count += 1; bytes += message.data.length; };
  setTimeout(() => { stream.close(); done([count, bytes]); }, 1000 * seconds);
})
"""


def main(cameras: int = 13_400, length_s: float = 60.0) -> list[Figure]:
    """How soon the page can be used, how fast it filters, how often it is updated, and what that costs."""
    chromium = shutil.which("chromium")
    if mosquitto_path() is None or chromium is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), chromium, cameras, 20.0 if "--short" in sys.argv else length_s))


async def _measure(folder: Path, chromium: str, cameras: int, length_s: float) -> list[Figure]:
    clock, port = SystemClock(), free_port()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(mosquitto(port, folder))
        fleet = _Fleet(cameras, clock)
        client = await stack.enter_async_context(aiomqtt.Client("127.0.0.1", port))
        await fleet.publish_births(client)
        url, server = await stack.enter_async_context(_server(folder, port))
        bare = await stack.enter_async_context(_process(sys.executable, "-c", _BARE.format(port=port)))
        publishing = asyncio.create_task(fleet.publish(client))
        stack.push_async_callback(fleet.stop, publishing)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        stack.push_async_callback(browser.close)
        page = await browser.new_page()
        began_s = clock.mono_s()
        await page.goto(url)
        await page.get_by_text(f"{cameras} of {cameras} cameras").wait_for()
        usable_s = clock.mono_s() - began_s
        filter_s = await _filter_s(page)
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable")
        before = process_cpu_s(server.pid), process_cpu_s(bare.pid), await _page_cpu_s(session), fleet.published
        updates, update_bytes = await page.evaluate(_COUNT_UPDATES, length_s)
        after = process_cpu_s(server.pid), process_cpu_s(bare.pid), await _page_cpu_s(session), fleet.published
        server_share, bare_share, page_share, rate = ((b - a) / length_s for a, b in zip(before, after, strict=True))
        return [
            Figure(f"page of {cameras} cameras usable after", usable_s, "s", bound=3),
            Figure("  filter: from the key to the drawn table", 1000 * filter_s, "ms", bound=100),
            Figure("  updates to a browser", updates / length_s, "/s", bound=2),
            Figure("  their size", update_bytes / length_s / 1000, "KB/s"),
            Figure("  messages", rate, "/s"),
            Figure(
                "  CPU of the server, two streams open", 100 * server_share, "%", "a bare subscriber", 100 * bare_share
            ),
            Figure("  CPU of the page's scripts and drawing", 100 * page_share, "%"),
            Figure("  memory of the server", process_bytes(server.pid) / 1e6, "MB"),
        ]


class _Fleet:
    """Cameras that are only messages, published over one connection."""

    def __init__(self, cameras: int, clock: SystemClock) -> None:
        self._names = [(f"site-{number % _SITES:02}", f"cam-{number:05}") for number in range(cameras)]
        self._clock = clock
        self.published, self._stopping = 0, False

    async def publish_births(self, client: aiomqtt.Client) -> None:
        """The retained state of each camera."""
        for number in range(len(self._names)):
            await self._publish_state(client, number, "buffering")

    async def publish(self, client: aiomqtt.Client) -> None:
        """A message of each camera every 30 s, until `stop`."""
        began_s, number = self._clock.mono_s(), 0
        pause_s = _EVERY_S / len(self._names)
        while not self._stopping:
            number += 1
            await asyncio.sleep(max(0.0, began_s + number * pause_s - self._clock.mono_s()))
            camera = number % len(self._names)
            if number % _STATE_CHANGES == 0:
                state = "recording" if number // len(self._names) % 2 == 0 else "buffering"
                await self._publish_state(client, camera, state)
            else:
                await client.publish(self._topic(camera, "telemetry"), msgspec.json.encode(self._telemetry(number)))
            self.published += 1

    async def stop(self, publishing: "asyncio.Task[None]") -> None:
        """End it. Not by cancelling: aiomqtt swallows that while it publishes."""
        self._stopping = True
        await publishing

    async def _publish_state(self, client: aiomqtt.Client, number: int, state: str) -> None:
        site, camera = self._names[number]
        now = iso(self._clock.now().utc)
        message = StateMessage(
            state=state, agency="demo", site=site, camera=camera, session="one", firmware="0", flags=[],  # type: ignore[arg-type]
            time=now, since=now,
        )  # fmt: skip
        await client.publish(self._topic(number, "state"), msgspec.json.encode(message), qos=0, retain=True)

    def _telemetry(self, number: int) -> Telemetry:
        return Telemetry(
            time=iso(self._clock.now().utc), session="one", state="buffering", uptime_s=1, buffered_s=30,
            buffered_bytes=30_000_000, measured_fps=30, dropped_frames=0, unwritten_bytes=0, events_waiting=0,
            events_dropped=0, battery_percent=float(number // len(self._names) % 100),
            storage_free_bytes=50_000_000_000,
        )  # fmt: skip

    def _topic(self, number: int, leaf: str) -> str:
        return f"lapel/v1/demo/{'/'.join(self._names[number])}/{leaf}"


@asynccontextmanager
async def _server(folder: Path, port: int) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The page's process, and where to log in."""
    options = ("--broker", f"mqtt://127.0.0.1:{port}", "--port", "0", "--history", str(folder / "history.sqlite"))
    async with _process(str(_FLEET), "serve", *options) as process:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        yield line.partition(": ")[2].strip(), process


@asynccontextmanager
async def _process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def _filter_s(page: Page) -> float:
    """The slowest of some filters, from the input to the table that is drawn and laid out."""
    script = """text => {
      const began = performance.now();
      words.value = text;
      words.dispatchEvent(new Event("input"));
      table.getBoundingClientRect();
      return (performance.now() - began) / 1000;
    }"""
    return max([await page.evaluate(script, text) for text in ("cam-0", "site-03 state=buffering", "12", "") * 3][4:])


async def _page_cpu_s(session: CDPSession) -> float:
    """Seconds of the page's own work on its thread, by Chromium's account."""
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))
