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
from lapel_fleet.hardware.microphone import SimulatedMicrophone

BUFFER_S = 1.5
"""Length of the pre-event buffers in these cases."""
_LATE_S = 0.5
"""Real frames arrive one by one and are encoded a moment later: how much may be missing at the end."""
_REOPENED_S = 1.2
"""A microphone is tried again every second."""


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

    def sound_s(self, from_s: float, to_s: float) -> float:
        """Seconds of sound that were recorded between two monotonic times."""
        spans = [
            (
                one.start.mono_s + (begin - one.start_ticks) / TICKS_PER_S,
                one.start.mono_s + (end - one.start_ticks) / TICKS_PER_S,
            )
            for one in self.recorded()
            for begin, end in one.sound_spans
        ]
        return sum(max(0.0, min(end_s, to_s) - max(begin_s, from_s)) for begin_s, end_s in spans)


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


# -- sound -------------------------------------------------------------------------------------------------------------

SoundCase = Callable[[FootageHarness, SimulatedMicrophone], Coroutine[Any, Any, None]]


async def sound_is_there_from_the_press_on(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
    await harness.clock.sleep(1.2)
    pressed_s = await harness.press()
    await harness.clock.sleep(2.0)
    status = harness.footage.status().sound
    assert status is not None
    assert (status.lost, status.rms_dbfs > -20, status.silent_s) == (None, True, 0.0)
    await harness.footage.cut()
    assert_seamless(harness.recorded())
    assert harness.sound_s(pressed_s, pressed_s + 2.0) > 2.0 - _LATE_S
    assert all(fragment.silence for fragment in harness.recorded())


async def an_unplugged_microphone_costs_sound_only(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
    await harness.clock.sleep(1.0)
    await harness.press()
    await harness.clock.sleep(1.0)
    microphone.unplug("fell off")
    unplugged_s = harness.clock.mono_s()
    await harness.clock.sleep(2.0)
    status = harness.footage.status().sound
    assert "fell off" in ((status and status.lost) or "")
    microphone.plug_in()
    await harness.clock.sleep(_REOPENED_S)
    plugged_s = harness.clock.mono_s()
    await harness.clock.sleep(1.0)
    status = harness.footage.status().sound
    assert (status and status.lost) is None
    await harness.footage.cut()
    assert_seamless(harness.recorded())
    assert harness.sound_s(unplugged_s + _LATE_S, unplugged_s + 1.9) == 0
    assert harness.sound_s(plugged_s, plugged_s + 1.0) > 1.0 - _LATE_S
    assert any("fell off" in (fragment.sound_lost or "") for fragment in harness.recorded())


async def a_dead_microphone_shows_in_the_level(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
    await harness.clock.sleep(1.0)
    microphone.fall_silent()
    await harness.clock.sleep(2.0)
    status = harness.footage.status().sound
    assert status is not None
    assert (status.lost, status.rms_dbfs, status.silent_s > 0.5) == (None, -120.0, True)
    microphone.end_silence()
    await harness.clock.sleep(1.0)
    status = harness.footage.status().sound
    assert status is not None
    assert status.silent_s == 0.0


async def a_delay_that_begins_is_a_gap(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
    await harness.clock.sleep(1.0)
    await harness.press()
    await harness.clock.sleep(1.0)
    microphone.delay(1.5)
    delayed_s = harness.clock.mono_s()
    await harness.clock.sleep(4.0)
    await harness.footage.cut()
    sound_s = harness.sound_s(delayed_s, delayed_s + 4.0)
    assert sound_s == pytest.approx(2.5, abs=_LATE_S)


async def drift_within_what_sound_cards_do_costs_nothing(
    harness: FootageHarness, microphone: SimulatedMicrophone
) -> None:
    microphone.drift(200)
    await harness.clock.sleep(1.0)
    pressed_s = await harness.press()
    await harness.clock.sleep(3.0)
    await harness.footage.cut()
    assert harness.sound_s(pressed_s, pressed_s + 3.0) > 3.0 - _LATE_S


SOUND_CASES: Sequence[SoundCase] = (
    sound_is_there_from_the_press_on,
    an_unplugged_microphone_costs_sound_only,
    a_dead_microphone_shows_in_the_level,
    a_delay_that_begins_is_a_gap,
    drift_within_what_sound_cards_do_costs_nothing,
)


async def run_sound_case(
    case: SoundCase, footage: SimulatedFootage, microphone: SimulatedMicrophone, clock: Clock
) -> None:
    """Run a case of footage with sound, from the start of the capture to its end."""

    async def with_microphone(harness: FootageHarness) -> None:
        await case(harness, microphone)

    await run_case(with_microphone, footage, clock)


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
