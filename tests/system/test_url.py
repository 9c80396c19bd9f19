"""Pictures from an address, served on loopback."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import sleep

import pytest

from lapel.clock import SystemClock
from lapel.errors import VideoEnded, VideoError
from lapel.media.capture import Wanted, open_source
from system.videos import film


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    film(tmp_path / "short.mp4", 30)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_from_an_address_plays_at_its_own_speed_and_ends(address: str) -> None:
    one = open_source(f"{address}/short.mp4", SystemClock(), wait=sleep, wanted=Wanted(), loop=False, camera="cam-0001")
    assert one.open().rate_fps == 30
    times = [one.read().captured.mono_s for _ in range(30)]
    assert times[-1] - times[0] == pytest.approx(29 / 30)
    with pytest.raises(VideoEnded):
        one.read()


def test_an_address_that_does_not_answer_is_named(address: str) -> None:
    for spec in (f"{address}/missing.mp4", "http://127.0.0.1:1/stream"):
        one = open_source(spec, SystemClock(), wait=sleep, wanted=Wanted(), loop=False, camera="cam-0001")
        with pytest.raises(VideoError, match=spec):
            one.open()
