"""Computed footage: how rarely it wakes up, and which frames a recording of it holds."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapel.clock import Clock, Instant, Quality
from lapel.fragment import TICKS_PER_S, Fragment
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.shared_clip import FPS, BlankSource, FragmentSource
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from shared_clips import LOOP_PICTURES, numbered_reel
from stories import Bench, seamless
from video_files import file_of, numbers


class CountingClock:
    """Counts the sleeps on it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.sleeps = 0

    def mono_s(self) -> float:
        return self._clock.mono_s()

    def now(self) -> Instant:
        return self._clock.now()

    def quality(self) -> Quality:
        return self._clock.quality()

    def is_trusted(self) -> bool:
        return self._clock.is_trusted()

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        await self._clock.sleep(seconds)


def wake_ups(
    source: FragmentSource, story: Callable[[Bench], Coroutine[Any, Any, None]], length_s: float = 10.0
) -> int:
    """Run a story of a camera. Returns how often its footage woke up."""

    async def program(clock: VirtualClock) -> int:
        counting = CountingClock(clock)
        footage = ComputedFootage(counting, length_s, source=source, bitrate_bps=1_000_000)
        bench = Bench(footage, clock)
        await footage.start(bench.listener, "the test began")
        await story(bench)
        await footage.stop()
        return counting.sleeps

    return run_virtual(program)


@pytest.mark.parametrize("source", [BlankSource(), numbered_reel()])
def test_a_camera_that_only_buffers_schedules_nothing(source: FragmentSource) -> None:
    async def shift(bench: Bench) -> None:
        await bench.clock.sleep(4 * 3600)
        bench.footage.unplug()
        await bench.clock.sleep(60)
        bench.footage.plug_in()
        await bench.press()
        await bench.footage.cut()
        await bench.clock.sleep(4 * 3600)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    assert wake_ups(source, shift) <= 1


@pytest.mark.parametrize(("source", "most"), [(BlankSource(), 3), (numbered_reel(), 121)])
def test_a_recording_camera_wakes_once_per_fragment(source: FragmentSource, most: int) -> None:
    async def two_minutes(bench: Bench) -> None:
        await bench.clock.sleep(20.4)
        await bench.press()
        await bench.clock.sleep(120)
        await bench.footage.cut()
        seamless(bench.recorded())

    assert wake_ups(source, two_minutes) <= most


def test_a_recording_camera_without_frames_does_not_wake_up() -> None:
    async def without_frames(bench: Bench) -> None:
        await bench.press()
        bench.footage.unplug()
        await bench.clock.sleep(600)
        await bench.footage.cut()

    assert wake_ups(numbered_reel(), without_frames) <= 1


@pytest.mark.parametrize("source", [BlankSource(), numbered_reel()])
@pytest.mark.parametrize("pressed_s", [0.01, 7.98, 61.0, 61.02])
def test_a_recording_has_a_fragment_within_a_second_of_the_press(source: FragmentSource, pressed_s: float) -> None:
    async def early(bench: Bench) -> None:
        await bench.clock.sleep(pressed_s)
        await bench.press()
        assert bench.before.fragments == []
        await bench.clock.sleep(1.01)
        assert len(bench.listener.fragments) == 1

    wake_ups(source, early, length_s=0.0)


def test_blank_fragments_reach_back_exactly_and_those_of_a_clip_to_their_keyframe() -> None:
    async def press(bench: Bench) -> None:
        await bench.clock.sleep(33.3)
        pressed_s = await bench.press()
        reach_s.append(pressed_s - bench.before.fragments[0].start.mono_s)

    reach_s: list[float] = []
    wake_ups(BlankSource(), press)
    wake_ups(numbered_reel(), press)
    assert reach_s == [pytest.approx(10.0, abs=0.001), pytest.approx(10.3, abs=0.001)]


def test_a_press_that_is_handled_late_gets_the_pre_event_fragments_of_its_time() -> None:
    async def late(bench: Bench) -> None:
        await bench.clock.sleep(5.5)
        pressed = bench.clock.now()
        await bench.clock.sleep(2.4)
        bench.before = bench.footage.before(pressed)
        await bench.footage.cut()
        await bench.clock.sleep(1.0)
        await bench.footage.cut()
        seamless(bench.recorded())
        assert bench.recorded()[-1].end_mono_s == pytest.approx(8.9, abs=0.001)

    wake_ups(numbered_reel(), late)
    wake_ups(BlankSource(), late)


def test_without_frames_in_the_whole_buffer_the_shortfall_names_the_source() -> None:
    async def without_frames(bench: Bench) -> None:
        await bench.clock.sleep(3)
        bench.footage.unplug("pulled")
        await bench.clock.sleep(30)
        await bench.press()
        assert (bench.before.fragments, bench.before.shortfall) == ([], "pulled")
        bench.footage.plug_in()
        await bench.clock.sleep(2)
        await bench.footage.cut()
        seamless(bench.recorded())

    wake_ups(numbered_reel(), without_frames)


ACTIONS = st.lists(st.tuples(st.sampled_from(["press", "unplug", "plug in"]), st.floats(0.0, 4.0)), max_size=8)


@settings(max_examples=15)
@given(ACTIONS)
def test_a_recording_holds_whole_gops_and_first_parts_of_them_whatever_happens(
    actions: Sequence[tuple[str, float]],
) -> None:
    async def day(bench: Bench) -> None:
        await bench.clock.sleep(1.3)
        is_recording = False
        for action, seconds in [*actions, ("press", 1.7)]:
            if action != "press":
                bench.footage.unplug() if action == "unplug" else bench.footage.plug_in()
            elif is_recording:
                await bench.footage.cut()
                check(bench.recorded())
                is_recording = False
            else:
                bench.listener.fragments.clear()
                await bench.press()
                is_recording = True
            await bench.clock.sleep(seconds)

    wake_ups(numbered_reel(), day)


def check(fragments: Sequence[Fragment]) -> None:
    if not fragments:
        return
    seamless(fragments)
    firsts = [(one.number - 1) * FPS % LOOP_PICTURES for one in fragments]
    expected = [first + index for first, one in zip(firsts, fragments, strict=True) for index in range(one.frames)]
    assert numbers(file_of([*fragments])) == expected
    assert all(one.frames <= FPS and one.duration_ticks <= TICKS_PER_S for one in fragments)
