"""Footage that is computed when it is asked for: what a camera saw follows from the time and from what was done to its
lens (`takes.py`). Imports neither OpenCV nor FFmpeg; which pictures stand in the fragments is the reel's affair
(`reel.py`).

A camera that only buffers schedules nothing. While it records, fragments are delivered as they close.
"""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from lapel.clock import Clock, Instant
from lapel.fragment import TICKS_PER_S, Fragment
from lapel.hardware.interfaces import Footage, FootageListener, FootageStatus, PreEvent
from lapel.media.prebuffer import capture_began, nothing_captured
from lapel_fleet.hardware.capture_timeline import LEAST_TICKS, CaptureSpan, CaptureTimeline
from lapel_fleet.hardware.shared_clip import FPS, BlankSource, FragmentSource

_BLANK = BlankSource()


class SimulatedFootage(Footage, Protocol):
    """Footage of any fidelity, with its outside-world side: what can happen to a lens."""

    def unplug(self, reason: str = "unplugged") -> None:
        """No more pictures."""

    def plug_in(self) -> None:
        """Pictures again."""

    def freeze(self) -> None:
        """The same picture from now on."""

    def thaw(self) -> None:
        """Pictures that move again."""

    def lose_power(self) -> None:
        """Nothing is delivered any more; what was open is lost."""


class ComputedFootage:
    """Implements `SimulatedFootage`."""

    def __init__(self, clock: Clock, length_s: float, bitrate_bps: int, reel: FragmentSource = _BLANK) -> None:
        """`length_s` is the pre-event buffer's; `bitrate_bps` what a second in it is said to weigh."""
        self._clock, self._length_s, self._bitrate_bps, self._reel = clock, length_s, bitrate_bps, reel
        self._listener: FootageListener | None = None
        self._began, self._reason = clock.now(), ""
        self._line = self._blank_line()
        self._lost: str | None = None
        self._frozen_s: float | None = None
        self._next: int | None = None  # while recording: the number of the next fragment to deliver
        self._is_opening = False
        self._filming: asyncio.Task[None] | None = None
        self.history: list[str] = []
        """What happened to the lens, in order."""

    async def start(self, listener: FootageListener, reason: str) -> None:
        """See `Footage.start`."""
        if self._listener is None:
            self._reason = reason
            self._listener, self._began, self._line = listener, self._clock.now(), self._blank_line()
            if self._lost:
                listener.on_source_lost(self._lost)
            else:
                self._line.open(0, "")

    async def stop(self) -> None:
        """See `Footage.stop`."""
        self._line.cut(self._now_ticks())
        self._deliver()
        self._end_recording()
        self._listener, self._line = None, self._blank_line()

    async def cut(self) -> None:
        """See `Footage.cut`. The first after `before` opens a recording, the next one ends it."""
        is_cut = self._line.cut(self._now_ticks())
        self._deliver()
        if not self._is_opening:
            self._end_recording()
        elif is_cut:
            self._film()  # by another beat
        self._is_opening = False

    def before(self, moment: Instant) -> PreEvent:
        """See `Footage.before`. A recording begins: from here on fragments are delivered."""
        from_ticks = self._ticks(moment) - round(self._length_s * TICKS_PER_S)
        if self._next is None:
            self._line.forget(from_ticks)
            self._line.cut(self._ticks(moment))
            self._next, self._is_opening = self._line.number, True
            self._film()
        fragments = list(self._fragments(from_ticks=from_ticks))
        return PreEvent(fragments, self._length_s, self._shortfall(fragments, moment))

    def status(self) -> FootageStatus:
        """See `Footage.status`."""
        now_s, now_ticks = self._clock.mono_s(), self._now_ticks()
        held_s = self._line.seen_ticks(now_ticks - round(self._length_s * TICKS_PER_S), now_ticks) / TICKS_PER_S
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
            self._line.close(self._now_ticks())
            self._deliver()
            self._film()
            if self._listener is not None:
                self._listener.on_source_lost(reason)

    def plug_in(self) -> None:
        """Pictures again."""
        self.history.append("plug in")
        if self._lost is not None:
            reason, self._lost = self._lost, None
            if self._listener is not None:
                self._line.open(self._now_ticks(), reason)
                self._film()
                self._listener.on_source_restored()

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
        self._end_recording()
        self._listener = None

    # -- recording -----------------------------------------------------------------------------------------------------

    def _film(self) -> None:
        """While a recording is under way and pictures come, deliver each fragment as it closes."""
        if self._filming is not None:
            self._filming.cancel()
            self._filming = None
        if self._next is not None and self._line.closes_ticks(0) is not None:
            self._filming = asyncio.create_task(self._deliver_on(), name="film")

    async def _deliver_on(self) -> None:
        while (closes_ticks := self._line.closes_ticks(self._now_ticks())) is not None:
            await self._clock.sleep((closes_ticks - self._now_ticks()) / TICKS_PER_S)
            self._deliver()

    def _end_recording(self) -> None:
        self._next, self._is_opening = None, False
        self._film()

    def _deliver(self) -> None:
        """What has closed since the last time, if a recording is under way."""
        if self._next is None or self._listener is None:
            return
        for fragment in list(self._fragments(first=self._next)):
            self._next = fragment.number + 1
            self._listener.on_fragment(fragment)

    # -- fragments -----------------------------------------------------------------------------------------------------

    def _fragments(self, *, from_ticks: int = 0, first: int = 1) -> Iterator[Fragment]:
        """What has closed and reaches beyond `from_ticks`, from number `first` on."""
        now = self._clock.now()
        for piece in self._line.pieces(self._ticks(now), from_ticks=from_ticks, first=first):
            is_late = piece.start_ticks < from_ticks and self._reel.begins_anywhere
            start_ticks = from_ticks if is_late else piece.start_ticks
            if piece.end_ticks - start_ticks >= LEAST_TICKS:
                yield self._fragment(piece, start_ticks, now)

    def _fragment(self, piece: CaptureSpan, start_ticks: int, now: Instant) -> Fragment:
        duration_ticks = piece.end_ticks - start_ticks
        frames = round(duration_ticks / LEAST_TICKS)
        return Fragment(
            number=piece.number,
            start=now.shifted(self._began.mono_s + start_ticks / TICKS_PER_S - now.mono_s),
            start_ticks=start_ticks,
            duration_ticks=duration_ticks,
            frames=frames,
            header=self._reel.header,
            body=self._reel.body(piece.number, start_ticks, frames, duration_ticks),
            gap_before=piece.gap_before if start_ticks == piece.start_ticks else None,
        )

    def _shortfall(self, fragments: list[Fragment], moment: Instant) -> str | None:
        """Why the fragments do not reach back as far as was asked; None when they do."""
        if not self._length_s:
            return None
        if not fragments:
            return self._lost or nothing_captured(self._reason)
        held_s = moment.mono_s - fragments[0].start.mono_s
        if (self._length_s - held_s) * TICKS_PER_S < 2 * LEAST_TICKS:
            return None
        gap = fragments[0].gap_before
        return gap.reason if gap else capture_began(self._reason, held_s)

    # -- time ----------------------------------------------------------------------------------------------------------

    def _blank_line(self) -> CaptureTimeline:
        return CaptureTimeline(round(self._reel.longest_s * TICKS_PER_S))

    def _ticks(self, moment: Instant) -> int:
        """Since capturing began."""
        return round((moment.mono_s - self._began.mono_s) * TICKS_PER_S)

    def _now_ticks(self) -> int:
        return round((self._clock.mono_s() - self._began.mono_s) * TICKS_PER_S)
