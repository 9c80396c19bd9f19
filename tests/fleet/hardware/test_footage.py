"""Computed footage: how rarely it wakes up, and which frames a recording of it holds."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footage_contract import FootageHarness, assert_seamless
from lapel.clock import Clock, Instant, Quality
from lapel.fragment import TICKS_PER_S, Fragment
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.shared_clip import FPS, BlankSource, FragmentSource
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from shared_clips import CLIP_FRAMES, numbered_clip
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
    source: FragmentSource, story: Callable[[FootageHarness], Coroutine[Any, Any, None]], length_s: float = 10.0
) -> int:
    """Run a story of a camera. Returns how often its footage woke up."""

    async def program(clock: VirtualClock) -> int:
        counting = CountingClock(clock)
        footage = ComputedFootage(counting, length_s, source=source, bitrate_bps=1_000_000)
        harness = FootageHarness(footage, clock)
        await footage.start(harness.listener, "the test began")
        await story(harness)
        await footage.stop()
        return counting.sleeps

    return run_virtual(program)


@pytest.mark.parametrize("source", [BlankSource(), numbered_clip()])
def test_a_camera_that_only_buffers_schedules_nothing(source: FragmentSource) -> None:
    async def shift(harness: FootageHarness) -> None:
        await harness.clock.sleep(4 * 3600)
        harness.footage.unplug()
        await harness.clock.sleep(60)
        harness.footage.plug_in()
        await harness.press()
        await harness.footage.cut()
        await harness.clock.sleep(4 * 3600)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    assert wake_ups(source, shift) <= 1


@pytest.mark.parametrize(("source", "most"), [(BlankSource(), 3), (numbered_clip(), 121)])
def test_a_recording_camera_wakes_once_per_fragment(source: FragmentSource, most: int) -> None:
    async def two_minutes(harness: FootageHarness) -> None:
        await harness.clock.sleep(20.4)
        await harness.press()
        await harness.clock.sleep(120)
        await harness.footage.cut()
        assert_seamless(harness.recorded())

    assert wake_ups(source, two_minutes) <= most


def test_a_recording_camera_without_frames_does_not_wake_up() -> None:
    async def without_frames(harness: FootageHarness) -> None:
        await harness.press()
        harness.footage.unplug()
        await harness.clock.sleep(600)
        await harness.footage.cut()

    assert wake_ups(numbered_clip(), without_frames) <= 1


@pytest.mark.parametrize("source", [BlankSource(), numbered_clip()])
@pytest.mark.parametrize("pressed_s", [0.01, 7.98, 61.0, 61.02])
def test_a_recording_has_a_fragment_within_a_second_of_the_press(source: FragmentSource, pressed_s: float) -> None:
    async def early(harness: FootageHarness) -> None:
        await harness.clock.sleep(pressed_s)
        await harness.press()
        assert harness.before.fragments == []
        await harness.clock.sleep(1.01)
        assert len(harness.listener.fragments) == 1

    wake_ups(source, early, length_s=0.0)


def test_blank_fragments_reach_back_exactly_and_those_of_a_clip_to_their_keyframe() -> None:
    async def press(harness: FootageHarness) -> None:
        await harness.clock.sleep(33.3)
        pressed_s = await harness.press()
        reach_s.append(pressed_s - harness.before.fragments[0].start.mono_s)

    reach_s: list[float] = []
    wake_ups(BlankSource(), press)
    wake_ups(numbered_clip(), press)
    assert reach_s == [pytest.approx(10.0, abs=0.001), pytest.approx(10.3, abs=0.001)]


def test_a_press_that_is_handled_late_gets_the_pre_event_fragments_of_its_time() -> None:
    async def late(harness: FootageHarness) -> None:
        await harness.clock.sleep(5.5)
        pressed = harness.clock.now()
        await harness.clock.sleep(2.4)
        harness.before = harness.footage.before(pressed)
        await harness.footage.cut()
        await harness.clock.sleep(1.0)
        await harness.footage.cut()
        assert_seamless(harness.recorded())
        assert harness.recorded()[-1].end_mono_s == pytest.approx(8.9, abs=0.001)

    wake_ups(numbered_clip(), late)
    wake_ups(BlankSource(), late)


def test_without_frames_in_the_whole_buffer_the_shortfall_names_the_source() -> None:
    async def without_frames(harness: FootageHarness) -> None:
        await harness.clock.sleep(3)
        harness.footage.unplug("pulled")
        await harness.clock.sleep(30)
        await harness.press()
        assert (harness.before.fragments, harness.before.shortfall) == ([], "pulled")
        harness.footage.plug_in()
        await harness.clock.sleep(2)
        await harness.footage.cut()
        assert_seamless(harness.recorded())

    wake_ups(numbered_clip(), without_frames)


ACTIONS = st.lists(st.tuples(st.sampled_from(["press", "unplug", "plug in"]), st.floats(0.0, 4.0)), max_size=8)


@settings(max_examples=15)
@given(ACTIONS)
def test_a_recording_holds_whole_gops_and_first_parts_of_them_whatever_happens(
    actions: Sequence[tuple[str, float]],
) -> None:
    async def day(harness: FootageHarness) -> None:
        await harness.clock.sleep(1.3)
        is_recording = False
        for action, seconds in [*actions, ("press", 1.7)]:
            if action != "press":
                harness.footage.unplug() if action == "unplug" else harness.footage.plug_in()
            elif is_recording:
                await harness.footage.cut()
                check(harness.recorded())
                is_recording = False
            else:
                harness.listener.fragments.clear()
                await harness.press()
                is_recording = True
            await harness.clock.sleep(seconds)

    wake_ups(numbered_clip(), day)


def check(fragments: Sequence[Fragment]) -> None:
    if not fragments:
        return
    assert_seamless(fragments)
    firsts = [(one.number - 1) * FPS % CLIP_FRAMES for one in fragments]
    expected = [first + index for first, one in zip(firsts, fragments, strict=True) for index in range(one.frames)]
    assert numbers(file_of([*fragments])) == expected
    assert all(one.frames <= FPS and one.duration_ticks <= TICKS_PER_S for one in fragments)
