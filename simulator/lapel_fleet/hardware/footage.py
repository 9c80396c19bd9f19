"""Footage without pictures (`media = "none"`): computed when it is asked for. Imports neither OpenCV nor FFmpeg.

A camera that only buffers schedules nothing: what its buffer holds follows from the time. While it records, a fragment
closes after a second and then every minute; each has real boxes, so recorder, accounts and recovery are the real ones.
"""

import asyncio
from dataclasses import dataclass

from lapel.clock import Clock, Instant
from lapel.fragment import TICKS_PER_S, Fragment, Gap
from lapel.hardware.interfaces import FootageListener, FootageStatus, PreEvent
from lapel_fleet.hardware.blank import HEADER, body

FPS = 30
FIRST_S, LATER_S = 1.0, 60.0
_LEAST_S = 1 / FPS


@dataclass(slots=True)
class _Span:
    """A time with pictures; it goes on while `end` is None."""

    start: Instant
    end: Instant | None = None
    why_dark_before: str = ""


class ComputedFootage:
    """Implements `lapel.hardware.interfaces.Footage`. The outside world unplugs and freezes it."""

    def __init__(self, clock: Clock, length_s: float, bitrate_bps: int) -> None:
        self._clock, self._length_s, self._bitrate_bps = clock, length_s, bitrate_bps
        self._listener: FootageListener | None = None
        self._spans: list[_Span] = []
        self._lost: str | None = None
        self._frozen_s: float | None = None
        self._began = clock.now()
        self._number = 0
        self._told_to: Instant | None = None  # while recording: up to where fragments were delivered
        self._is_opening = False
        self._filming: asyncio.Task[None] | None = None
        self.history: list[str] = []
        """What happened to the lens, in order."""

    async def start(self, listener: FootageListener) -> None:
        """See `Footage.start`."""
        if self._listener is None:
            self._listener, self._began = listener, self._clock.now()
            self._spans = [] if self._lost else [_Span(self._began)]
            if self._lost:
                listener.on_source_lost(self._lost)

    async def stop(self) -> None:
        """See `Footage.stop`."""
        self._deliver()
        self._stop_filming()
        self._listener, self._spans = None, []

    async def cut(self) -> None:
        """See `Footage.cut`. The first after `before` opens a recording, the next one ends it."""
        self._deliver()
        if self._is_opening:
            self._is_opening = False
        else:
            self._stop_filming()

    def before(self, moment: Instant) -> PreEvent:
        """See `Footage.before`. A recording begins: from here on fragments are delivered."""
        from_s = moment.mono_s - self._length_s
        self._spans = [span for span in self._spans if span.end is None or span.end.mono_s > from_s]
        fragments = self._fragments(moment.shifted(-self._length_s), moment)
        self._told_to, self._is_opening = moment, True
        self._filming = asyncio.create_task(self._film(), name="film")
        return PreEvent(fragments, self._length_s, self._shortfall(fragments, from_s))

    def status(self) -> FootageStatus:
        """See `Footage.status`."""
        now_s = self._clock.mono_s()
        held_s = sum(
            max(0.0, (span.end.mono_s if span.end else now_s) - max(span.start.mono_s, now_s - self._length_s))
            for span in self._spans
        )
        return FootageStatus(
            buffered_s=held_s,
            buffered_bytes=int(held_s * self._bitrate_bps / 8),
            measured_fps=0.0 if self._lost else FPS,
            lost=self._lost,
            unchanged_s=now_s - self._frozen_s if self._frozen_s is not None else 0.0,
        )

    # -- the outside world ---------------------------------------------------------------------------------------------

    def unplug(self, reason: str = "unplugged") -> None:
        """No more pictures."""
        self.history.append(reason)
        if self._lost is None:
            self._lost = reason
            if self._spans:
                self._spans[-1].end = self._clock.now()
            if self._listener is not None:
                self._listener.on_source_lost(reason)

    def plug_in(self) -> None:
        """Pictures again."""
        self.history.append("plug in")
        if self._lost is not None:
            reason, self._lost = self._lost, None
            if self._listener is not None:
                self._spans.append(_Span(self._clock.now(), why_dark_before=reason if self._spans else ""))
                self._listener.on_source_restored()
            if self._filming is not None:  # the first picture of a recording is on disk a second later, not a minute
                self._filming.cancel()
                self._filming = asyncio.create_task(self._film(), name="film")

    def freeze(self) -> None:
        """The same picture from now on, which only `status` tells."""
        self.history.append("freeze")
        self._frozen_s = self._clock.mono_s()

    def thaw(self) -> None:
        """Pictures that move again."""
        self.history.append("thaw")
        self._frozen_s = None

    def lose_power(self) -> None:
        """Nothing is delivered any more."""
        self._stop_filming()
        self._listener = None

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _film(self) -> None:
        await self._clock.sleep(FIRST_S)
        while True:
            self._deliver()
            await self._clock.sleep(LATER_S)

    def _stop_filming(self) -> None:
        if self._filming is not None:
            self._filming.cancel()
        self._filming = self._told_to = None
        self._is_opening = False

    def _deliver(self) -> None:
        if self._told_to is None or self._listener is None:
            return
        now = self._clock.now()
        fragments = self._fragments(self._told_to, now)
        if fragments:
            self._told_to = now
        for fragment in fragments:
            self._listener.on_fragment(fragment)

    def _fragments(self, start: Instant, end: Instant) -> list[Fragment]:
        """One for each span of pictures between the two."""
        made = []
        for span in self._spans:
            begin = max(span.start, start, key=_mono_s)
            length_s = min(span.end or end, end, key=_mono_s).mono_s - begin.mono_s
            if length_s >= _LEAST_S:
                made.append(self._fragment(begin, length_s, self._gap(span, begin)))
        return made

    def _gap(self, span: _Span, begin: Instant) -> Gap | None:
        earlier = [
            other.end for other in self._spans if other.end is not None and other.start.mono_s < span.start.mono_s
        ]
        if begin is not span.start or not earlier:
            return None
        return Gap(begin.mono_s - earlier[-1].mono_s, span.why_dark_before)

    def _fragment(self, start: Instant, length_s: float, gap: Gap | None) -> Fragment:
        self._number += 1
        start_ticks = round((start.mono_s - self._began.mono_s) * TICKS_PER_S)
        duration_ticks = round((start.mono_s - self._began.mono_s + length_s) * TICKS_PER_S) - start_ticks
        frames = max(1, round(length_s * FPS))
        each = duration_ticks // frames
        durations = [each] * (frames - 1) + [duration_ticks - each * (frames - 1)]  # the last takes what is left over
        return Fragment(
            number=self._number,
            start=start,
            start_ticks=start_ticks,
            duration_ticks=duration_ticks,
            frames=frames,
            header=HEADER,
            body=body(self._number, start_ticks, durations),
            gap_before=gap,
        )

    def _shortfall(self, fragments: list[Fragment], from_s: float) -> str | None:
        if not self._length_s or (fragments and fragments[0].start.mono_s - from_s < 2 * _LEAST_S):
            return None
        return self._lost or "capture began only a moment before"


def _mono_s(moment: Instant) -> float:
    return moment.mono_s
