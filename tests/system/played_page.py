"""A page in a real Chromium that reports what it has played."""

import asyncio
import subprocess
from pathlib import Path
from urllib.parse import unquote

from system.brokers import real


async def report_of(page: Path, content: str, profile: Path) -> str:
    """Write `content` to `page` and open it. Returns what the page requests from `http://127.0.0.1:%d/?REPORT`; the
    `%d` in `content` stands for the port.
    """
    reported: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).decode().split(" ")[1]
        if path.startswith("/?") and not reported.done():
            reported.set_result(unquote(path[2:]))
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    page.write_text(content % server.sockets[0].getsockname()[1])
    browser = subprocess.Popen(
        [
            real("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={profile}", page.as_uri(),
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            return await reported
    finally:
        browser.kill()
        browser.wait()
        server.close()
