"""Video from an address, served on loopback."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import sleep

import pytest

from lapel.clock import SystemClock
from lapel.errors import VideoEnded, VideoError
from lapel.hardware.interfaces import FrameFormat, FrameSource
from lapel.media.capture import open_source
from lapel.media.frame_fitting import Wanted
from system.videos import film
from video_files import join, number_in, write_video


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    film(tmp_path / "short.mp4", 30)
    small = write_video(tmp_path / "small.ts", range(10))
    large = write_video(tmp_path / "large.ts", range(10, 20), size=(128, 96))
    join(tmp_path / "reconfigured.ts", [small, large])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def source(spec: str) -> FrameSource:
    return open_source(spec, SystemClock(), wait=sleep, wanted=Wanted(), loop=False, camera="cam-0001")


def test_a_file_from_an_address_plays_at_its_own_speed_and_ends(address: str) -> None:
    one = source(f"{address}/short.mp4")
    assert one.open().rate_fps == 30
    times = [one.read().captured.mono_s for _ in range(30)]
    assert times[-1] - times[0] == pytest.approx(29 / 30)
    with pytest.raises(VideoEnded):
        one.read()


def test_a_stream_that_changes_its_frame_size_is_followed_and_lost_where_it_ends(address: str) -> None:
    one = source(f"{address}/reconfigured.ts")
    assert one.open() == FrameFormat(64, 32, 10.0)
    frames = [one.read() for _ in range(20)]
    assert [frame.image.shape for frame in frames] == [(32, 64, 3)] * 10 + [(96, 128, 3)] * 10
    assert [number_in(frame.image) for frame in frames] == list(range(20))
    assert [frame.note for frame in frames if frame.note] == [
        f"{address}/reconfigured.ts: the frame format changed from 64x32 to 128x96"
    ]
    with pytest.raises(VideoError, match="delivers no frames"):
        one.read()


def test_an_address_that_does_not_answer_is_named(address: str) -> None:
    for spec in (f"{address}/missing.mp4", "http://127.0.0.1:1/stream"):
        with pytest.raises(VideoError, match=spec):
            source(spec).open()
