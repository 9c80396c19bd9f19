"""The sound of computed footage: what the microphone delivered, to the nearest AAC frame; silence where it was muted
or dead.
"""

import gc
import tracemalloc
from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footage_contract import FootageHarness
from lapel import mp4_boxes as boxes
from lapel.fragment import TICKS_PER_S, Fragment
from lapel.media.mute_intervals import MuteIntervals
from lapel.media.sound_trimming import sound_since
from lapel_fleet.hardware.clip_encoding import scene_clip
from lapel_fleet.hardware.computed_sound import ComputedSound
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.shared_clip import (
    SOUND_FRAME_SAMPLES,
    SOUND_RATE_HZ,
    BlankSource,
    FragmentSource,
    SharedClip,
    SoundRun,
)
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from waited_clock import WaitedClock

FRAME_S = SOUND_FRAME_SAMPLES / SOUND_RATE_HZ
FRAME_TICKS = round(FRAME_S * TICKS_PER_S)
CLIP = scene_clip(2, has_sound=True)
Story = Callable[[FootageHarness, SimulatedMicrophone], Coroutine[Any, Any, None]]


def recorded(story: Story, source: FragmentSource | None = None) -> list[Fragment]:
    """What a recorder receives from the press on, which a story makes."""

    async def program(clock: VirtualClock) -> list[Fragment]:
        microphone = SimulatedMicrophone(clock)
        footage = ComputedFootage(clock, 5.0, 8_000_000, source or BlankSource(has_sound=True), microphone)
        harness = FootageHarness(footage, clock)
        await footage.start(harness.listener, "the test began")
        await story(harness, microphone)
        await footage.cut()
        await footage.stop()
        return harness.recorded()

    return run_virtual(program)


def spans_s(fragments: Sequence[Fragment]) -> list[tuple[float, float]]:
    """The stretches of sound in fragments that follow each other."""
    joined: list[tuple[float, float]] = []
    for begin, end in (span for one in fragments for span in one.sound_spans):
        if joined and abs(joined[-1][1] - begin / TICKS_PER_S) < 0.001:
            joined[-1] = joined[-1][0], end / TICKS_PER_S
        else:
            joined.append((begin / TICKS_PER_S, end / TICKS_PER_S))
    return joined


def sound_bodies(fragment: Fragment) -> list[bytes]:
    found, start = [], 0
    for box in boxes.boxes(fragment.sound):
        start = box.payload - 8 if box.kind == b"moof" else start
        if box.kind == b"mdat":
            found.append(fragment.sound[start : box.end])
    return found


@pytest.mark.parametrize("source", [BlankSource(has_sound=True), CLIP], ids=["blank", "clip"])
def test_sound_is_seamless_from_fragment_to_fragment(source: FragmentSource) -> None:
    async def story(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
        await harness.clock.sleep(7.3)
        await harness.press()
        await harness.clock.sleep(63.21)

    fragments = recorded(story, source)
    (span,) = spans_s(fragments)
    assert span == (
        pytest.approx(fragments[0].start_ticks / TICKS_PER_S, abs=FRAME_S),
        pytest.approx(7.3 + 63.21, abs=2 * FRAME_S),
    )
    for fragment in fragments:
        (body,) = sound_bodies(fragment)
        assert (boxes.track(body), boxes.timescales(fragment.header)) == (2, (TICKS_PER_S, SOUND_RATE_HZ))
        begin = boxes.start_ticks(body) * TICKS_PER_S / SOUND_RATE_HZ
        assert begin == pytest.approx(fragment.sound_spans[0][0], abs=1)
        length = boxes.frames(body) * FRAME_TICKS
        assert length == fragment.sound_spans[-1][1] - fragment.sound_spans[0][0]
        assert fragment.start_ticks <= begin < fragment.start_ticks + FRAME_TICKS


def test_an_unplugged_microphone_and_a_delay_are_gaps() -> None:
    async def story(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
        await harness.press()
        await harness.clock.sleep(10)
        microphone.unplug("fell off")
        await harness.clock.sleep(5)
        sound = harness.footage.status().sound
        assert (sound and sound.lost) == "fell off"
        microphone.plug_in()
        await harness.clock.sleep(5)
        microphone.delay(2.0)
        await harness.clock.sleep(10)

    fragments = recorded(story)
    assert [tuple(round(at_s) for at_s in span) for span in spans_s(fragments)] == [(0, 10), (15, 20), (22, 30)]


def test_the_reason_is_that_of_the_moment_in_which_the_fragment_closes() -> None:
    async def story(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
        await harness.press()
        await harness.clock.sleep(0.5)
        microphone.unplug("fell off")
        await harness.clock.sleep(2)

    assert {one.sound_lost for one in recorded(story)} == {"fell off"}


def test_silence_and_level_are_those_of_the_microphone() -> None:
    async def story(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
        await harness.press()
        sound = harness.footage.status().sound
        assert sound is not None
        assert (sound.lost, sound.rms_dbfs, sound.silent_s) == (None, -13.5, 0.0)
        microphone.fall_silent()
        await harness.clock.sleep(20)
        sound = harness.footage.status().sound
        assert sound is not None
        assert (sound.rms_dbfs, sound.peak_dbfs, sound.silent_s) == (-120.0, -120.0, 20.0)
        await harness.footage.stop()
        sound = harness.footage.status().sound
        assert (sound and sound.lost) == "no sound yet"

    recorded(story)


def test_sound_goes_on_in_a_gap_of_the_video() -> None:
    async def story(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
        await harness.press()
        await harness.clock.sleep(3)
        harness.footage.unplug()
        await harness.clock.sleep(4)
        harness.footage.plug_in()
        await harness.clock.sleep(3)

    fragments = recorded(story)
    (after,) = [one for one in fragments if one.gap_before is not None]
    (body,) = [after.sound_before]
    assert boxes.start_ticks(body) / SOUND_RATE_HZ == pytest.approx(3, abs=FRAME_S)
    assert boxes.frames(body) * FRAME_S == pytest.approx(4, abs=2 * FRAME_S)
    assert [tuple(round(at_s) for at_s in span) for span in spans_s(fragments)] == [(0, 10)]


def test_a_recorder_can_leave_out_what_comes_before_the_press() -> None:
    async def story(harness: FootageHarness, microphone: SimulatedMicrophone) -> None:
        await harness.clock.sleep(20)
        await harness.press()
        await harness.clock.sleep(2)

    for source in (BlankSource(has_sound=True), CLIP):
        kept = [sound_since(one, one.start.mono_s + 0.5) for one in recorded(story, source)]
        for one in kept:
            if one.sound:
                assert (
                    boxes.start_ticks(one.sound) * TICKS_PER_S / SOUND_RATE_HZ >= one.start_ticks + TICKS_PER_S / 2 - 1
                )


def test_a_clip_plays_the_sound_that_belongs_to_its_gop_or_silence() -> None:
    whole = [
        frame for number in (1, 2) for frame in frames_of(CLIP.sound(number, (number - 1) * SOUND_RATE_HZ, run(number)))
    ]
    assert frames_of(CLIP.sound(3, 7_000_000, SoundRun(7_000_000, 5))) == whole[:5]
    assert frames_of(CLIP.sound(4, 7_000_000, SoundRun(7_000_000 + 1024, 3))) == whole[48:51]
    silent = frames_of(CLIP.sound(1, 0, SoundRun(0, 3, is_silent=True)))
    assert len(set(silent)) == 1
    assert boxes.sound_frames(CLIP.silence) == silent[:1]


def run(number: int) -> SoundRun:
    """The frames of the first GOP, or those that follow."""
    return SoundRun(0, 47) if number == 1 else SoundRun(47 * SOUND_FRAME_SAMPLES, 46)


def frames_of(body: bytes) -> list[bytes]:
    return boxes.sound_frames(body)


def test_a_camera_with_sound_takes_no_more_memory_than_one_without() -> None:
    """Of a shared clip: nothing but the microphone itself and what was done to it."""
    without, with_sound = (bytes_each_camera(scene_clip(2, has_sound=has_sound)) for has_sound in (False, True))
    assert with_sound - without < 500


def bytes_each_camera(clip: SharedClip) -> float:
    """What a camera keeps that has just recorded 20 s."""

    async def program(clock: VirtualClock) -> float:
        async def camera() -> FootageHarness:
            footage = ComputedFootage(clock, 5.0, 8_000_000, clip, SimulatedMicrophone(clock))
            harness = FootageHarness(footage, clock)
            await footage.start(harness.listener, "the test began")
            await harness.press()
            await clock.sleep(20)
            await footage.cut()
            harness.listener.fragments.clear()  # they are on the storage card
            return harness

        await camera()  # what is kept once for all of them
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            cameras = [await camera() for _ in range(20)]
            gc.collect()  # which gives up the interpreter's own stock of empty tuples, too
            return (tracemalloc.get_traced_memory()[0] - before) / len(cameras)
        finally:
            tracemalloc.stop()

    return run_virtual(program)


MOMENTS = st.lists(st.integers(0, 400_000), min_size=2, max_size=2, unique=True).map(sorted)


@settings(max_examples=50)
@given(MOMENTS, MOMENTS, MOMENTS)
def test_whatever_was_done_to_it_no_frame_is_there_twice_or_where_there_was_no_sound(
    outage: list[int], silence: list[int], mute: list[int]
) -> None:
    clock = WaitedClock()
    clock.seconds = 0.0
    microphone, source = SimulatedMicrophone(clock), Listed()
    sound, mutes = ComputedSound(microphone, source), MuteIntervals(b"")
    sound.start(0.0)
    changes = [
        (outage[0], microphone.unplug), (outage[1], microphone.plug_in), (silence[0], microphone.fall_silent),
        (silence[1], microphone.end_silence), (mute[0], lambda: sound.set_muted(True, clock.mono_s())),
        (mute[1], lambda: sound.set_muted(False, clock.mono_s())),
    ]  # fmt: skip
    for at, change in sorted(changes, key=lambda one: one[0]):
        clock.seconds = at / SOUND_RATE_HZ
        change()
    mutes.begin(mute[0])
    mutes.end(mute[1])
    for second in range(9):
        sound.of(second + 1, second * TICKS_PER_S, second * TICKS_PER_S, (second + 1) * TICKS_PER_S)
    runs = source.runs
    assert all(one.end_samples <= later.start_samples for one, later in pairwise(runs))
    starts = {one.start_samples + index * 1024: one.is_silent for one in runs for index in range(one.frames)}
    for start in range(0, 9 * SOUND_RATE_HZ - 1024, 1024):
        is_missing = start < outage[1] - 1e-6 and start + 1024 > outage[0] + 1e-6
        assert (start in starts) != is_missing
        if start in starts:
            is_muted = mute[0] < start + 2 * 1024 and mute[1] > start
            assert starts[start] == (is_muted or silence[0] <= start < silence[1])


class Listed(BlankSource):
    """Keeps the runs that it is asked for."""

    def __init__(self) -> None:
        super().__init__(has_sound=True)
        self.runs: list[SoundRun] = []

    def sound(self, number: int, start_samples: int, run: SoundRun) -> bytes:
        self.runs.append(run)
        return super().sound(number, start_samples, run)
