"""Footage that is computed on demand: which fragments a camera captured follows from the time and from what was done to
its video source (`capture_timeline`); a `FragmentSource` supplies their bytes. Imports neither OpenCV nor FFmpeg.

A camera that only buffers schedules nothing. While it records, fragments are delivered as they close.
"""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from lapel.clock import Clock, Instant
from lapel.fragment import TICKS_PER_S, Fragment
from lapel.hardware.interfaces import Footage, FootageListener, FootageStatus, PreEvent, SoundStatus
from lapel.media.prebuffer import capture_began, nothing_captured
from lapel_fleet.hardware.capture_timeline import FRAME_TICKS, CaptureSpan, CaptureTimeline
from lapel_fleet.hardware.computed_sound import NO_SOUND_YET, WITHOUT_SOUND, ComputedSound
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.shared_clip import FPS, BlankSource, FragmentSource

_BLANK = BlankSource()


class SimulatedFootage(Footage, Protocol):
    """Footage whose video source the outside world can disturb."""

    def unplug(self, reason: str = "unplugged") -> None:
        """Pull the cable of the video source: no frames any more."""

    def plug_in(self) -> None:
        """Connect the video source again."""

    def freeze(self) -> None:
        """Let the video source deliver the same frame again and again."""

    def unfreeze(self) -> None:
        """Undo `freeze`."""

    def lose_power(self) -> None:
        """Deliver nothing any more; the open fragment is lost."""


class ComputedFootage:
    """Implements `SimulatedFootage`."""

    def __init__(
        self,
        clock: Clock,
        length_s: float,
        bitrate_bps: int,
        source: FragmentSource = _BLANK,
        microphone: SimulatedMicrophone | None = None,
    ) -> None:
        """`length_s`: of the pre-event buffer; `bitrate_bps`: for its size in the status; `microphone`: needed where
        `source` has sound.
        """
        self._clock, self._length_s, self._bitrate_bps, self._source = clock, length_s, bitrate_bps, source
        self._sound = ComputedSound(microphone, source) if microphone is not None and source.has_sound else None
        self._listener: FootageListener | None = None
        self._began, self._reason = clock.now(), ""
        self._timeline = self._new_timeline()
        self._lost: str | None = None
        self._frozen_s: float | None = None
        self._next: int | None = None  # while recording: the number of the next fragment to deliver
        self._is_opening = False
        self._delivering: asyncio.Task[None] | None = None
        self.history: list[str] = []
        """What was done to the video source, in order."""

    async def start(self, listener: FootageListener, reason: str) -> None:
        """See `Footage.start`."""
        if self._listener is None:
            self._reason = reason
            self._listener, self._began, self._timeline = listener, self._clock.now(), self._new_timeline()
            if self._sound is not None:
                self._sound.start(self._began.mono_s)
            if self._lost:
                listener.on_source_lost(self._lost)
            else:
                self._timeline.open(0, "")

    async def stop(self) -> None:
        """See `Footage.stop`."""
        self._timeline.cut(self._now_ticks())
        self._deliver()
        self._end_recording()
        self._listener, self._timeline = None, self._new_timeline()

    async def cut(self, wait_s: float = 0.0) -> bool:  # noqa: ARG002
        """See `Footage.cut`. The first after `before` opens a recording, the next one ends it."""
        is_cut = self._timeline.cut(self._now_ticks())
        self._deliver()
        if not self._is_opening:
            self._end_recording()
        elif is_cut:
            self._restart_delivery()  # the next fragment closes at another time
        self._is_opening = False
        return True

    def set_muted(self, is_muted: bool, moment: Instant) -> None:
        """See `Footage.set_muted`."""
        if self._sound is not None:
            self._sound.set_muted(is_muted, moment.mono_s)

    def before(self, moment: Instant) -> PreEvent:
        """See `Footage.before`. Begins a recording: from here on fragments are delivered. They have their sound; what
        of it may not be kept is left out when they are recorded.
        """
        from_ticks = self._ticks(moment) - round(self._length_s * TICKS_PER_S)
        if self._next is None:
            self._timeline.discard_before(from_ticks)
            self._timeline.cut(self._ticks(moment))
            self._next, self._is_opening = self._timeline.number, True
            self._restart_delivery()
        fragments = list(self._fragments(from_ticks=from_ticks))
        return PreEvent(fragments, self._length_s, self._shortfall(fragments, moment))

    def status(self) -> FootageStatus:
        """See `Footage.status`."""
        now_s, now_ticks = self._clock.mono_s(), self._now_ticks()
        held_s = self._timeline.captured_ticks(now_ticks - round(self._length_s * TICKS_PER_S), now_ticks) / TICKS_PER_S
        return FootageStatus(
            buffered_s=held_s,
            buffered_bytes=int(held_s * self._bitrate_bps / 8),
            measured_fps=0.0 if self._lost else FPS,
            lost=self._lost,
            unchanged_s=now_s - self._frozen_s if self._frozen_s is not None else 0.0,
            sound=self._sound_status(now_s),
        )

    def _sound_status(self, now_s: float) -> SoundStatus | None:
        if self._sound is None:
            return None
        return self._sound.status(now_s) if self._listener is not None else NO_SOUND_YET

    # -- the outside world ---------------------------------------------------------------------------------------------

    def unplug(self, reason: str = "unplugged") -> None:
        """See `SimulatedFootage.unplug`."""
        self.history.append(reason)
        if self._lost is None:
            self._lost = reason
            self._timeline.close(self._now_ticks())
            self._deliver()
            self._restart_delivery()
            if self._listener is not None:
                self._listener.on_source_lost(reason)

    def plug_in(self) -> None:
        """See `SimulatedFootage.plug_in`."""
        self.history.append("plug in")
        if self._lost is not None:
            reason, self._lost = self._lost, None
            if self._listener is not None:
                self._timeline.open(self._now_ticks(), reason)
                self._restart_delivery()
                self._listener.on_source_restored()

    def freeze(self) -> None:
        """See `SimulatedFootage.freeze`. Only `status` shows it."""
        self.history.append("freeze")
        self._frozen_s = self._clock.mono_s()

    def unfreeze(self) -> None:
        """See `SimulatedFootage.unfreeze`."""
        self.history.append("unfreeze")
        self._frozen_s = None

    def lose_power(self) -> None:
        """See `SimulatedFootage.lose_power`."""
        self._end_recording()
        self._listener = None

    # -- delivery ------------------------------------------------------------------------------------------------------

    def _restart_delivery(self) -> None:
        """Deliver each fragment as it closes, while a recording is under way and there are frames."""
        if self._delivering is not None:
            self._delivering.cancel()
            self._delivering = None
        if self._next is not None and self._timeline.closes_ticks(0) is not None:
            self._delivering = asyncio.create_task(self._deliver_on(), name="footage")

    async def _deliver_on(self) -> None:
        while (closes_ticks := self._timeline.closes_ticks(self._now_ticks())) is not None:
            await self._clock.sleep((closes_ticks - self._now_ticks()) / TICKS_PER_S)
            self._deliver()

    def _end_recording(self) -> None:
        self._next, self._is_opening = None, False
        self._restart_delivery()

    def _deliver(self) -> None:
        """Deliver the fragments that have closed since the last call, if a recording is under way."""
        if self._next is None or self._listener is None:
            return
        for fragment in list(self._fragments(first=self._next)):
            self._next = fragment.number + 1
            self._listener.on_fragment(fragment)

    # -- fragments -----------------------------------------------------------------------------------------------------

    def _fragments(self, *, from_ticks: int = 0, first: int = 1) -> Iterator[Fragment]:
        """The closed fragments that end after `from_ticks`, from number `first` on."""
        now = self._clock.now()
        for span in self._timeline.spans(self._ticks(now), from_ticks=from_ticks, first=first):
            is_cut_off = span.start_ticks < from_ticks and self._source.starts_anywhere
            start_ticks = from_ticks if is_cut_off else span.start_ticks
            if span.end_ticks - start_ticks >= FRAME_TICKS:
                yield self._fragment(span, start_ticks, now)

    def _fragment(self, span: CaptureSpan, start_ticks: int, now: Instant) -> Fragment:
        duration_ticks = span.end_ticks - start_ticks
        frames = round(duration_ticks / FRAME_TICKS)
        gap = span.gap_before if start_ticks == span.start_ticks else None
        before_ticks = start_ticks - (round(gap.duration_s * TICKS_PER_S) if gap is not None else 0)
        sound = WITHOUT_SOUND
        if self._sound is not None:
            sound = self._sound.of(span.number, before_ticks, start_ticks, start_ticks + duration_ticks)
        return Fragment(
            number=span.number,
            start=now.shifted(self._began.mono_s + start_ticks / TICKS_PER_S - now.mono_s),
            start_ticks=start_ticks,
            duration_ticks=duration_ticks,
            frames=frames,
            header=self._source.header,
            body=self._source.body(span.number, start_ticks, frames, duration_ticks),
            gap_before=gap,
            sound=sound.sound,
            sound_before=sound.sound_before,
            silence=sound.silence,
            sound_spans=sound.sound_spans,
            sound_lost=sound.sound_lost,
        )

    def _shortfall(self, fragments: list[Fragment], moment: Instant) -> str | None:
        """Why the fragments reach back less than the pre-event buffer's length; None when they reach far enough."""
        if not self._length_s:
            return None
        if not fragments:
            return self._lost or nothing_captured(self._reason)
        held_s = moment.mono_s - fragments[0].start.mono_s
        if (self._length_s - held_s) * TICKS_PER_S < 2 * FRAME_TICKS:
            return None
        gap = fragments[0].gap_before
        return gap.reason if gap else capture_began(self._reason, held_s)

    # -- time ----------------------------------------------------------------------------------------------------------

    def _new_timeline(self) -> CaptureTimeline:
        return CaptureTimeline(round(self._source.longest_s * TICKS_PER_S))

    def _ticks(self, moment: Instant) -> int:
        """Ticks since capture began."""
        return round((moment.mono_s - self._began.mono_s) * TICKS_PER_S)

    def _now_ticks(self) -> int:
        return round((self._clock.mono_s() - self._began.mono_s) * TICKS_PER_S)
