"""Chromium, driven by Playwright: pages of their own, what axe-core finds, screenshots for the documentation."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from system.brokers import real

DOCS = Path(__file__).parents[2] / "docs"
_VIDEO = """() => {
  const video = document.querySelector("video");
  return {time: video.currentTime, error: video.error && video.error.message, ended: video.ended};
}"""


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=real("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield started
        finally:
            await started.close()


async def opened(where: Browser, url: str, complaints: list[str], **options: Any) -> Page:
    """A page of its own, logged in; what its scripts complain about goes to `complaints`."""
    page = await (await where.new_context(**options)).new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(url)
    return page


async def serious(page: Page) -> list[str]:
    """What axe-core finds that is serious or worse."""
    found = (await Axe().run(page)).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]


async def screenshot(page: Page, name: str) -> None:
    """The screenshots of the documentation: LAPEL_SCREENSHOTS=1 makes them anew."""
    if os.environ.get("LAPEL_SCREENSHOTS") == "1":
        await page.screenshot(path=DOCS / name, full_page=False)


async def plays(page: Page, seconds: float) -> None:
    """Wait until the page's video has played for so long from where it is."""
    began_s = (await page.evaluate(_VIDEO))["time"]
    await page.wait_for_function(
        "until => { const v = document.querySelector('video'); return v.error || v.currentTime >= until; }",
        arg=began_s + seconds,
        timeout=60_000,
    )
    video = await page.evaluate(_VIDEO)
    assert video["error"] is None, video
