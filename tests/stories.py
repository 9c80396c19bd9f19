"""What happens to footage, of whatever kind, and what must then be true: told to the contract tests."""

from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from typing import Any

import pytest

from lapel import boxes
from lapel.clock import Clock
from lapel.fragment import TICKS_PER_S, Fragment
from lapel.hardware.interfaces import PreEvent
from lapel_fleet.hardware.footage import SimulatedFootage

SHORT_S = 1.5
"""The pre-event buffers of these stories are this long."""
_LATE_S = 0.5
"""Real pictures come one by one, and are encoded a moment later."""


class Listener:
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


class Bench:
    """Footage, who listens to it, and what a recorder would have got."""

    def __init__(self, footage: SimulatedFootage, clock: Clock) -> None:
        self.footage, self.clock, self.listener = footage, clock, Listener()
        self.before = PreEvent((), 0.0, None)

    async def press(self) -> float:
        """A recording begins; when that was."""
        now = self.clock.now()
        self.before = self.footage.before(now)
        await self.footage.cut()
        return now.mono_s

    async def has_pictures(self) -> None:
        """Wait for them, but not for ever."""
        deadline_s = self.clock.mono_s() + 30
        while self.footage.status().lost is not None and self.clock.mono_s() < deadline_s:
            await self.clock.sleep(0.05)

    def recorded(self) -> list[Fragment]:
        """What was buffered, and what came after."""
        last = self.before.fragments[-1].number if self.before.fragments else 0
        return [*self.before.fragments, *(one for one in self.listener.fragments if one.number > last)]


Story = Callable[[Bench], Coroutine[Any, Any, None]]


async def all_of_a_recording_is_there_once(bench: Bench) -> None:
    await bench.clock.sleep(3.4)
    pressed_s = await bench.press()
    await bench.clock.sleep(2.25)
    await bench.footage.cut()
    seamless(bench.recorded())
    assert bench.before.shortfall is None
    assert bench.before.asked_s == SHORT_S
    assert bench.recorded()[0].start.mono_s <= pressed_s - SHORT_S + 0.01
    assert bench.recorded()[0].end_mono_s > pressed_s - SHORT_S
    assert bench.recorded()[-1].end_mono_s > pressed_s + 2.25 - _LATE_S


async def a_cut_delivers_what_is_open(bench: Bench) -> None:
    await bench.clock.sleep(1.2)
    pressed_s = await bench.press()
    await bench.clock.sleep(0.6)
    await bench.footage.cut()
    assert bench.listener.fragments[-1].end_mono_s > pressed_s + 0.6 - _LATE_S
    delivered = len(bench.listener.fragments)
    await bench.footage.cut()
    assert len(bench.listener.fragments) <= delivered + 1, "one picture at most can have come in between"


async def a_buffer_that_is_not_full_says_why(bench: Bench) -> None:
    await bench.clock.sleep(0.7)
    await bench.press()
    await bench.footage.cut()
    seamless(bench.recorded())
    assert bench.before.shortfall is not None


async def a_gap_is_told_with_its_length_and_its_reason(bench: Bench) -> None:
    await bench.clock.sleep(2.0)
    await bench.press()
    await bench.clock.sleep(1.3)
    bench.footage.unplug("pulled")
    await bench.clock.sleep(1.0)
    assert "pulled" in (bench.footage.status().lost or "")
    bench.footage.plug_in()
    await bench.has_pictures()
    await bench.clock.sleep(1.2)
    await bench.footage.cut()
    seamless(bench.recorded())
    (gap,) = [one.gap_before for one in bench.recorded() if one.gap_before is not None]
    assert "pulled" in gap.reason
    assert gap.duration_s > 0.9
    assert bench.footage.status().lost is None
    assert ["pulled" in news for news in bench.listener.news if news.startswith("lost")] == [True]
    assert bench.listener.news[-1] == "restored"


async def what_was_recorded_is_still_buffered(bench: Bench) -> None:
    await bench.clock.sleep(2.0)
    await bench.press()
    await bench.clock.sleep(0.4)
    await bench.footage.cut()
    first = bench.recorded()
    await bench.clock.sleep(0.6)
    pressed_s = await bench.press()
    await bench.clock.sleep(0.5)
    await bench.footage.cut()
    seamless(bench.recorded())
    assert bench.before.shortfall is None
    assert bench.recorded()[0].start.mono_s <= pressed_s - SHORT_S + 0.01
    assert first[-1].number < bench.recorded()[-1].number


async def a_frozen_picture_is_told(bench: Bench) -> None:
    await bench.clock.sleep(1.0)
    assert (bench.footage.status().unchanged_s or 0.0) < 0.5
    bench.footage.freeze()
    await bench.clock.sleep(1.5)
    assert (bench.footage.status().unchanged_s or 0.0) > 0.8
    bench.footage.unfreeze()
    await bench.clock.sleep(1.0)
    assert (bench.footage.status().unchanged_s or 0.0) < 0.8


async def without_power_nothing_is_delivered(bench: Bench) -> None:
    await bench.clock.sleep(1.0)
    await bench.press()
    await bench.clock.sleep(1.4)
    delivered = len(bench.listener.fragments)
    bench.footage.lose_power()
    bench.footage.unplug()
    await bench.clock.sleep(1.5)
    assert len(bench.listener.fragments) == delivered
    assert not any("lost" in news for news in bench.listener.news)


async def capturing_begins_with_an_empty_buffer(bench: Bench) -> None:
    await bench.clock.sleep(1.5)
    assert bench.footage.status().buffered_s > 0
    await bench.footage.stop()
    assert bench.footage.status().buffered_s == 0
    await bench.footage.start(bench.listener, "the test began")
    await bench.press()
    assert bench.before.shortfall is not None
    assert not bench.before.fragments


STORIES: Sequence[Story] = (
    all_of_a_recording_is_there_once,
    a_cut_delivers_what_is_open,
    a_buffer_that_is_not_full_says_why,
    a_gap_is_told_with_its_length_and_its_reason,
    what_was_recorded_is_still_buffered,
    a_frozen_picture_is_told,
    without_power_nothing_is_delivered,
    capturing_begins_with_an_empty_buffer,
)


async def tell(story: Story, footage: SimulatedFootage, clock: Clock) -> None:
    """The story, from the start of capturing to its end."""
    bench = Bench(footage, clock)
    await footage.start(bench.listener, "the test began")
    try:
        await story(bench)
    finally:
        await footage.stop()
    numbers = [one.number for one in bench.listener.fragments]
    assert len(numbers) == len(set(numbers)) or story is capturing_begins_with_an_empty_buffer, "delivered twice"


def seamless(fragments: Sequence[Fragment]) -> None:
    """Each begins where the one before it ends, or says what is missing; each is what its boxes say."""
    assert fragments
    for one in fragments:
        assert boxes.start_ticks(one.body) == one.start_ticks
        assert boxes.duration_ticks(one.body) == one.duration_ticks
        assert boxes.frames(one.body) == one.frames
        assert one.header == fragments[0].header
    for one, following in pairwise(fragments):
        assert following.number == one.number + 1
        gap_s = following.gap_before.duration_s if following.gap_before else 0.0
        begin_ticks = one.start_ticks + one.duration_ticks + round(gap_s * TICKS_PER_S)
        assert abs(following.start_ticks - begin_ticks) <= 1
        assert following.start.mono_s == pytest.approx(one.end_mono_s + gap_s, abs=0.01)
