"""The contract of every simulated `Footage`, as cases that a test runs on each implementation."""

from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from typing import Any

import pytest

from lapel import mp4_boxes as boxes
from lapel.clock import Clock
from lapel.fragment import TICKS_PER_S, Fragment
from lapel.hardware.interfaces import PreEvent
from lapel_fleet.hardware.footage import SimulatedFootage

BUFFER_S = 1.5
"""Length of the pre-event buffers in these cases."""
_LATE_S = 0.5
"""Real frames arrive one by one and are encoded a moment later: how much may be missing at the end."""


class Listener:
    """A FootageListener that keeps what it receives."""

    def __init__(self) -> None:
        self.fragments: list[Fragment] = []
        self.reports: list[str] = []

    def on_fragment(self, fragment: Fragment) -> None:
        self.fragments.append(fragment)

    def on_source_note(self, note: str) -> None:
        self.reports.append(f"note: {note}")

    def on_source_lost(self, reason: str) -> None:
        self.reports.append(f"lost: {reason}")

    def on_video_reduced(self, width: int, height: int, reason: str) -> None:
        self.reports.append(f"reduced to {width}x{height}: {reason}")

    def on_source_restored(self) -> None:
        self.reports.append("restored")

    def on_source_ended(self, reason: str) -> None:
        self.reports.append(f"ended: {reason}")


class FootageHarness:
    """Footage, its listener, and what a recorder would have received."""

    def __init__(self, footage: SimulatedFootage, clock: Clock) -> None:
        self.footage, self.clock, self.listener = footage, clock, Listener()
        self.before = PreEvent((), 0.0, None)

    async def press(self) -> float:
        """Start a recording, and return its monotonic time."""
        now = self.clock.now()
        self.before = self.footage.before(now)
        await self.footage.cut()
        return now.mono_s

    async def wait_for_frames(self) -> None:
        """Wait for frames, for 30 s at most."""
        deadline_s = self.clock.mono_s() + 30
        while self.footage.status().lost is not None and self.clock.mono_s() < deadline_s:
            await self.clock.sleep(0.05)

    def recorded(self) -> list[Fragment]:
        """The buffered fragments, and those that followed."""
        last = self.before.fragments[-1].number if self.before.fragments else 0
        return [*self.before.fragments, *(fragment for fragment in self.listener.fragments if fragment.number > last)]


Case = Callable[[FootageHarness], Coroutine[Any, Any, None]]


async def a_recording_has_every_fragment_once(harness: FootageHarness) -> None:
    await harness.clock.sleep(3.4)
    pressed_s = await harness.press()
    await harness.clock.sleep(2.25)
    await harness.footage.cut()
    assert_seamless(harness.recorded())
    assert harness.before.shortfall is None
    assert harness.before.configured_s == BUFFER_S
    assert harness.recorded()[0].start.mono_s <= pressed_s - BUFFER_S + 0.01
    assert harness.recorded()[0].end_mono_s > pressed_s - BUFFER_S
    assert harness.recorded()[-1].end_mono_s > pressed_s + 2.25 - _LATE_S


async def a_cut_delivers_the_open_fragment(harness: FootageHarness) -> None:
    await harness.clock.sleep(1.2)
    pressed_s = await harness.press()
    await harness.clock.sleep(0.6)
    await harness.footage.cut()
    assert harness.listener.fragments[-1].end_mono_s > pressed_s + 0.6 - _LATE_S
    delivered = len(harness.listener.fragments)
    await harness.footage.cut()
    assert len(harness.listener.fragments) <= delivered + 1, "at most one frame can have arrived in between"


async def a_buffer_that_is_not_full_gives_the_reason(harness: FootageHarness) -> None:
    await harness.clock.sleep(0.7)
    await harness.press()
    await harness.footage.cut()
    assert_seamless(harness.recorded())
    assert harness.before.shortfall is not None


async def a_gap_has_its_length_and_its_reason(harness: FootageHarness) -> None:
    await harness.clock.sleep(2.0)
    await harness.press()
    await harness.clock.sleep(1.3)
    harness.footage.unplug("pulled")
    await harness.clock.sleep(1.0)
    assert "pulled" in (harness.footage.status().lost or "")
    harness.footage.plug_in()
    await harness.wait_for_frames()
    await harness.clock.sleep(1.2)
    await harness.footage.cut()
    assert_seamless(harness.recorded())
    (gap,) = [fragment.gap_before for fragment in harness.recorded() if fragment.gap_before is not None]
    assert "pulled" in gap.reason
    assert gap.duration_s > 0.9
    assert harness.footage.status().lost is None
    assert ["pulled" in report for report in harness.listener.reports if report.startswith("lost")] == [True]
    assert harness.listener.reports[-1] == "restored"


async def recorded_fragments_stay_in_the_buffer(harness: FootageHarness) -> None:
    await harness.clock.sleep(2.0)
    await harness.press()
    await harness.clock.sleep(0.4)
    await harness.footage.cut()
    first = harness.recorded()
    await harness.clock.sleep(0.6)
    pressed_s = await harness.press()
    await harness.clock.sleep(0.5)
    await harness.footage.cut()
    assert_seamless(harness.recorded())
    assert harness.before.shortfall is None
    assert harness.recorded()[0].start.mono_s <= pressed_s - BUFFER_S + 0.01
    assert first[-1].number < harness.recorded()[-1].number


async def frozen_video_is_reported(harness: FootageHarness) -> None:
    await harness.clock.sleep(1.0)
    assert (harness.footage.status().unchanged_s or 0.0) < 0.5
    harness.footage.freeze()
    await harness.clock.sleep(1.5)
    assert (harness.footage.status().unchanged_s or 0.0) > 0.8
    harness.footage.unfreeze()
    await harness.clock.sleep(1.0)
    assert (harness.footage.status().unchanged_s or 0.0) < 0.8


async def without_power_nothing_is_delivered(harness: FootageHarness) -> None:
    await harness.clock.sleep(1.0)
    await harness.press()
    await harness.clock.sleep(1.4)
    delivered = len(harness.listener.fragments)
    harness.footage.lose_power()
    harness.footage.unplug()
    await harness.clock.sleep(1.5)
    assert len(harness.listener.fragments) == delivered
    assert not any("lost" in report for report in harness.listener.reports)


async def capturing_begins_with_an_empty_buffer(harness: FootageHarness) -> None:
    await harness.clock.sleep(1.5)
    assert harness.footage.status().buffered_s > 0
    await harness.footage.stop()
    assert harness.footage.status().buffered_s == 0
    await harness.footage.start(harness.listener, "the test began")
    await harness.press()
    assert harness.before.shortfall is not None
    assert not harness.before.fragments


CASES: Sequence[Case] = (
    a_recording_has_every_fragment_once,
    a_cut_delivers_the_open_fragment,
    a_buffer_that_is_not_full_gives_the_reason,
    a_gap_has_its_length_and_its_reason,
    recorded_fragments_stay_in_the_buffer,
    frozen_video_is_reported,
    without_power_nothing_is_delivered,
    capturing_begins_with_an_empty_buffer,
)


async def run_case(case: Case, footage: SimulatedFootage, clock: Clock) -> None:
    """Run a case, from the start of the capture to its end."""
    harness = FootageHarness(footage, clock)
    await footage.start(harness.listener, "the test began")
    try:
        await case(harness)
    finally:
        await footage.stop()
    numbers = [fragment.number for fragment in harness.listener.fragments]
    assert len(numbers) == len(set(numbers)) or case is capturing_begins_with_an_empty_buffer, "delivered twice"


def assert_seamless(fragments: Sequence[Fragment]) -> None:
    """Each fragment begins where the one before it ends, or names the gap; its fields agree with its boxes."""
    assert fragments
    for fragment in fragments:
        assert boxes.start_ticks(fragment.body) == fragment.start_ticks
        assert boxes.duration_ticks(fragment.body) == fragment.duration_ticks
        assert boxes.frames(fragment.body) == fragment.frames
        assert fragment.header == fragments[0].header
    for fragment, following in pairwise(fragments):
        assert following.number == fragment.number + 1
        gap_s = following.gap_before.duration_s if following.gap_before else 0.0
        begin_ticks = fragment.start_ticks + fragment.duration_ticks + round(gap_s * TICKS_PER_S)
        assert abs(following.start_ticks - begin_ticks) <= 1
        assert following.start.mono_s == pytest.approx(fragment.end_mono_s + gap_s, abs=0.01)
