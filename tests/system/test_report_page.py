"""The report's page in a real browser: its plots are drawn, it loads nothing, it fits a phone."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from fleet.report.observed import observed
from lapel_fleet.checkers.registry import Finding
from lapel_fleet.report import Result, write_page
from system.brokers import real

Browse = Callable[..., subprocess.CompletedProcess[str]]
RECORDING = {"light": (0xB5, 0x42, 0x3A), "dark": (0xCF, 0x5F, 0x56)}
"""The colour of the state in `page.css`."""


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Runs headless Chromium with a new profile; the console messages of pages are on standard error."""
    path = real("chromium")

    def run(page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--no-first-run", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--enable-logging=stderr", "--virtual-time-budget=2000",
                f"--user-data-dir={tmp_path / 'profile'}", *flags, page.as_uri(),
            ],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90, check=True,
        )  # fmt: skip

    return run


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine: its address, and the paths requested from it."""
    requested: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requested
        finally:
            server.shutdown()
            thread.join()


def hostile(address: str) -> str:
    return f"<img src={address}/img><script src={address}/js></script><style>@import '{address}/css';</style>"


@cache
def _bad_day() -> Result:
    return observed("bad-day", 7)


def bad_day(folder: Path, *failures: str) -> Path:
    result = _bad_day()
    if failures:
        result = replace(result, findings=[Finding("mine", 10, list(failures))])
    write_page(folder, result)
    return folder / "index.html"


def pixels_of(path: Path, colour: tuple[int, int, int]) -> int:
    """The number of pixels of that colour."""
    image = cv2.imread(str(path))
    assert image is not None
    return int((np.abs(image[:, :, ::-1].astype(int) - colour).max(axis=2) <= 3).sum())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_plots_are_drawn(browse: Browse, tmp_path: Path, scheme: str) -> None:
    screenshot = tmp_path / "page.png"
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    write_page(tmp_path, observed("smoke", 7))  # without faults, whose marks would lie over the plots
    browse(tmp_path / "index.html", "--window-size=1000,4000", f"--screenshot={screenshot}", *dark)
    other = RECORDING["light" if scheme == "dark" else "dark"]
    assert pixels_of(screenshot, RECORDING[scheme]) > 5_000  # a twentieth of the plot of states
    assert pixels_of(screenshot, other) < 1_000


def test_nothing_is_loaded_or_run_and_there_are_no_errors(browse: Browse, tmp_path: Path) -> None:
    with listening() as (address, requested):
        page = bad_day(tmp_path, f"baltimore/cam-0001: {hostile(address)}")
        done = browse(page, "--dump-dom")
    assert requested == []
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count('class="plot"') >= 3
    assert "&lt;script src=" in done.stdout


def test_this_browser_loads_and_runs_without_the_policy(browse: Browse, tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    page = tmp_path / "open.html"
    with listening() as (address, requested):
        page.write_text(f"<body>{hostile(address)}<script>console.log('ran')</script>")
        done = browse(page, "--dump-dom")
    assert {"/img", "/js", "/css"} <= set(requested)
    assert "CONSOLE" in done.stderr


def test_it_fits_a_phone(browse: Browse, tmp_path: Path) -> None:
    """Measured by a script, which needs a copy of the page without its policy."""
    text = bad_day(tmp_path, f"baltimore/cam-0001: {'x' * 400}").read_text()
    measure = "<script>document.title = `${innerWidth} ${document.documentElement.scrollWidth}`</script></body>"
    page = tmp_path / "measured.html"
    page.write_text(text.replace("Content-Security-Policy", "x-none").replace("</body>", measure))
    done = browse(page, "--window-size=390,800", "--dump-dom")
    inner, scrolled = (int(one) for one in done.stdout.split("<title>", 1)[1].split("</title>")[0].split())
    assert scrolled <= inner < 600
