"""LiveFootage with real threads and real time: a source that fails, stalls, ends and comes back."""

import asyncio
import random
import threading
from collections.abc import Callable
from time import sleep

from footage_contract import Listener
from lapel.clock import SystemClock
from lapel.errors import VideoEnded, VideoError
from lapel.fragment import Fragment
from lapel.hardware.interfaces import Frame, FrameFormat, FrameSource
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.footage import LiveFootage
from lapel.media.frame_reducer import FrameReducer
from lapel.media.prebuffer import PreEventBuffer
from lapel_fleet.hardware.frame_source import SimulatedFrameSource
from video_files import file_of, numbers, picture

RATE = 50.0


class NumberedSource:
    """Delivers numbered frames, until a test makes it fail or stall."""

    name = "numbers"

    def __init__(self) -> None:
        self.number = 0
        self.fail: Exception | None = None
        self.note = ""
        self.stalled = threading.Event()
        self._next_frame = threading.Event()

    def open(self) -> FrameFormat:
        if self.fail:
            raise self.fail
        return FrameFormat(64, 32, RATE)

    def read(self) -> Frame:
        self._next_frame.wait(1 / RATE)
        while self.stalled.is_set():
            self._next_frame.wait(0.02)
        if self.fail:
            raise self.fail
        note, self.note = self.note, ""
        frame = Frame(SystemClock().now(), picture(self.number), note=note)
        self.number += 1
        return frame

    def close(self) -> None:
        pass


def footage(source: FrameSource, stall_s: float = 0.5) -> LiveFootage:
    def encoder(form: FrameFormat) -> Encoder:
        return Encoder(EncoderSettings(form.rate_fps, 200_000, 0.3, "libx264", "ultrafast"))

    return LiveFootage(source, encoder, PreEventBuffer(30.0, 10**8), SystemClock(), random.Random(1), stall_s=stall_s)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


async def test_every_frame_arrives_once_and_a_cut_is_delivered_before_it_returns() -> None:
    source, listener = NumberedSource(), Listener()
    live = footage(source)
    await live.start(listener, "the test began")
    await until(lambda: source.number > 20)
    await live.cut()
    before = len(listener.fragments)
    assert sum(one.frames for one in listener.fragments) >= 20
    assert [*live.before(SystemClock().now()).fragments] == listener.fragments[:before]
    await live.stop()
    assert numbers(file_of(listener.fragments)) == list(range(source.number))
    assert listener.reports == ["restored"]
    assert live.status().buffered_bytes == 0


async def test_a_source_that_fails_is_reopened_and_leaves_a_gap_with_its_reason() -> None:
    source, listener = NumberedSource(), Listener()
    live = footage(source)
    await live.start(listener, "the test began")
    await until(lambda: source.number > 5)
    source.fail = VideoError("numbers: unplugged")
    await until(lambda: "lost: numbers: unplugged" in listener.reports)
    assert live.status().lost == "numbers: unplugged"
    await asyncio.sleep(0.6)
    source.fail = None
    await until(lambda: listener.reports[-1] == "restored")
    await live.stop()
    gaps = [one.gap_before for one in listener.fragments if one.gap_before]
    assert [gap.reason for gap in gaps] == ["numbers: unplugged"]
    assert gaps[0].duration_s > 0.5


async def test_a_stalled_read_is_noticed_without_the_source() -> None:
    source, listener = NumberedSource(), Listener()
    live = footage(source)
    await live.start(listener, "the test began")
    await until(lambda: source.number > 5)
    source.stalled.set()
    await until(lambda: any("no frame for 0.5 s" in report for report in listener.reports))
    assert sum(one.frames for one in listener.fragments) == source.number
    await live.cut()
    source.stalled.clear()
    await until(lambda: listener.reports[-1] == "restored")
    await live.stop()
    assert numbers(file_of(listener.fragments)) == list(range(source.number))


async def test_a_source_that_ends_is_reported_after_its_last_fragment() -> None:
    source, listener = NumberedSource(), Listener()
    live = footage(source)
    await live.start(listener, "the test began")
    await until(lambda: source.number > 5)
    source.fail = VideoEnded("numbers: over")
    await until(lambda: "ended: numbers: over" in listener.reports)
    assert sum(one.frames for one in listener.fragments) == source.number
    await live.stop()


async def test_a_note_of_the_source_reaches_the_listener_once() -> None:
    source, listener = NumberedSource(), Listener()
    source.note = "numbers: pixels are not square"
    live = footage(source)
    await live.start(listener, "the test began")
    await until(lambda: source.number > 5)
    await live.stop()
    assert listener.reports == ["note: numbers: pixels are not square", "restored"]


async def test_a_frozen_source_is_distinguished_from_a_moving_one_and_from_none() -> None:
    source, listener = NumberedSource(), Listener()
    frozen = SimulatedFrameSource(source)
    live = footage(frozen)
    assert live.status().last_frame_age_s is None
    await live.start(listener, "the test began")
    await until(lambda: source.number > 20)
    assert (live.status().unchanged_s or 0.0) < 0.3
    frozen.freeze()
    await until(lambda: (live.status().unchanged_s or 0.0) > 0.5)
    frozen.unfreeze()
    await until(lambda: (live.status().unchanged_s or 0.0) < 0.3)
    source.stalled.set()
    await until(lambda: (live.status().last_frame_age_s or 0.0) > 1.0)
    source.stalled.clear()
    await live.stop()


class SlowEncoder(Encoder):
    """Keeps up with small frames only."""

    def encode(self, frame: Frame) -> Fragment | None:
        sleep(0.05 * (frame.height / 32) ** 2)  # 20 of the whole frames a second, 80 of half their size
        return super().encode(frame)


async def test_an_encoder_that_cannot_keep_up_gets_smaller_frames_and_they_are_reported() -> None:
    source, listener = NumberedSource(), Listener()
    live = LiveFootage(
        source,
        lambda form: SlowEncoder(EncoderSettings(form.rate_fps, 200_000, 0.3, "libx264", "ultrafast")),
        PreEventBuffer(30.0, 10**8),
        SystemClock(),
        random.Random(1),
        new_reducer=lambda: FrameReducer(window_s=1.0),
    )
    await live.start(listener, "the test began")
    assert not live.status().reduced
    await until(lambda: any("reduced to 32x16" in report for report in listener.reports))
    await until(lambda: len({fragment.header for fragment in listener.fragments}) >= 3)
    assert live.status().reduced
    await live.stop()
    assert listener.reports[-2:] == [
        "reduced to 48x24: the encoder could not keep up with the source",
        "reduced to 32x16: the encoder could not keep up with the source",
    ]
    for fragment in listener.fragments:
        assert len(numbers(file_of([fragment]))) == fragment.frames
