"""Threads and real time: a source that fails, stalls, ends and comes back."""

import asyncio
import random
import threading
from collections.abc import Callable

from lapel.clock import SystemClock
from lapel.errors import VideoEnded, VideoError
from lapel.fragment import Fragment
from lapel.hardware.interfaces import Frame, FrameFormat, FrameSource
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.footage import LiveFootage
from lapel.media.prebuffer import PreEventBuffer
from lapel_fleet.hardware.frame_source import SimulatedFrameSource
from video_files import file_of, numbers, picture

RATE = 50.0


class Lens:
    """Delivers numbered pictures, until told otherwise."""

    name = "lens"

    def __init__(self) -> None:
        self.number = 0
        self.fail: Exception | None = None
        self.stalled = threading.Event()
        self._go_on = threading.Event()

    def open(self) -> FrameFormat:
        if self.fail:
            raise self.fail
        return FrameFormat(64, 32, RATE)

    def read(self) -> Frame:
        self._go_on.wait(1 / RATE)
        while self.stalled.is_set():
            self._go_on.wait(0.02)
        if self.fail:
            raise self.fail
        frame = Frame(SystemClock().now(), picture(self.number))
        self.number += 1
        return frame

    def close(self) -> None:
        pass


class Ear:
    def __init__(self) -> None:
        self.fragments: list[Fragment] = []
        self.news: list[str] = []

    def on_fragment(self, fragment: Fragment) -> None:
        self.fragments.append(fragment)

    def on_source_lost(self, reason: str) -> None:
        self.news.append(f"lost: {reason}")

    def on_source_restored(self) -> None:
        self.news.append("restored")

    def on_source_ended(self, reason: str) -> None:
        self.news.append(f"ended: {reason}")


def footage(lens: FrameSource, stall_s: float = 0.5) -> LiveFootage:
    def encoder(form: FrameFormat) -> Encoder:
        return Encoder(EncoderSettings(form.rate_fps, 200_000, 0.3, "libx264", "ultrafast"))

    return LiveFootage(lens, encoder, PreEventBuffer(30.0, 10**8), SystemClock(), random.Random(1), stall_s=stall_s)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


async def test_every_picture_arrives_once_and_a_cut_is_delivered_before_it_returns() -> None:
    lens, ear = Lens(), Ear()
    live = footage(lens)
    await live.start(ear, "the test began")
    await until(lambda: lens.number > 20)
    await live.cut()
    before = len(ear.fragments)
    assert sum(one.frames for one in ear.fragments) >= 20
    assert [*live.before(SystemClock().now()).fragments] == ear.fragments[:before]
    await live.stop()
    assert numbers(file_of(ear.fragments)) == list(range(lens.number))
    assert ear.news == ["restored"]
    assert live.status().buffered_bytes == 0


async def test_a_source_that_fails_is_reopened_and_leaves_a_gap_with_its_reason() -> None:
    lens, ear = Lens(), Ear()
    live = footage(lens)
    await live.start(ear, "the test began")
    await until(lambda: lens.number > 5)
    lens.fail = VideoError("lens: unplugged")
    await until(lambda: "lost: lens: unplugged" in ear.news)
    assert live.status().lost == "lens: unplugged"
    await asyncio.sleep(0.6)
    lens.fail = None
    await until(lambda: ear.news[-1] == "restored")
    await live.stop()
    gaps = [one.gap_before for one in ear.fragments if one.gap_before]
    assert [gap.reason for gap in gaps] == ["lens: unplugged"]
    assert gaps[0].duration_s > 0.5


async def test_a_stalled_read_is_noticed_without_the_source() -> None:
    lens, ear = Lens(), Ear()
    live = footage(lens)
    await live.start(ear, "the test began")
    await until(lambda: lens.number > 5)
    lens.stalled.set()
    await until(lambda: any("no picture for 0.5 s" in news for news in ear.news))
    assert sum(one.frames for one in ear.fragments) == lens.number
    await live.cut()
    lens.stalled.clear()
    await until(lambda: ear.news[-1] == "restored")
    await live.stop()
    assert numbers(file_of(ear.fragments)) == list(range(lens.number))


async def test_an_ended_source_says_so_after_its_last_fragment() -> None:
    lens, ear = Lens(), Ear()
    live = footage(lens)
    await live.start(ear, "the test began")
    await until(lambda: lens.number > 5)
    lens.fail = VideoEnded("lens: over")
    await until(lambda: "ended: lens: over" in ear.news)
    assert sum(one.frames for one in ear.fragments) == lens.number
    await live.stop()


async def test_a_frozen_picture_is_told_from_one_that_moves_and_both_from_none() -> None:
    lens, ear = Lens(), Ear()
    frozen = SimulatedFrameSource(lens)
    live = footage(frozen)
    assert live.status().last_frame_age_s is None
    await live.start(ear, "the test began")
    await until(lambda: lens.number > 20)
    assert (live.status().unchanged_s or 0.0) < 0.3
    frozen.freeze()
    await until(lambda: (live.status().unchanged_s or 0.0) > 0.5)
    frozen.unfreeze()
    await until(lambda: (live.status().unchanged_s or 0.0) < 0.3)
    lens.stalled.set()
    await until(lambda: (live.status().last_frame_age_s or 0.0) > 1.0)
    lens.stalled.clear()
    await live.stop()
