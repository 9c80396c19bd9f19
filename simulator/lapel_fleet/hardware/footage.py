"""Footage that is computed when it is asked for: what a camera saw follows from the time and from what was done to its
lens. Imports neither OpenCV nor FFmpeg; which pictures stand in the fragments is the reel's affair (`reel.py`).

A camera that only buffers schedules nothing. While it records, fragments are delivered as they close.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from lapel.clock import Clock, Instant
from lapel.fragment import TICKS_PER_S, Fragment, Gap
from lapel.hardware.interfaces import Footage, FootageListener, FootageStatus, PreEvent
from lapel_fleet.hardware.reel import FPS, BlankReel, Reel

FIRST_S = 1.0
"""How long the first fragment after a cut lasts at most, so that every recording has one soon; later ones last as long
as the reel wants."""
_LEAST_TICKS = TICKS_PER_S // FPS
"""A fragment holds at least a picture."""
_BLANK = BlankReel()


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


@dataclass(slots=True)
class _Take:
    """Fragments without a seam, from where pictures came or were cut; it goes on while `end_ticks` is None.

    What they are follows from where it began: the first lasts `FIRST_S`, each later one `longest_ticks`, the last until
    the end.
    """

    number: int
    """Its first fragment's."""
    start_ticks: int
    longest_ticks: int
    gap: Gap | None = None
    end_ticks: int | None = None

    def begin_ticks(self, index: int) -> int:
        """Where the fragment `index`, counted from 0, begins: the one before it ends there."""
        return self.start_ticks + (round(FIRST_S * TICKS_PER_S) + (index - 1) * self.longest_ticks if index else 0)

    def end_of(self, index: int) -> int:
        """Where it ends."""
        end_ticks = self.begin_ticks(index + 1)
        return end_ticks if self.end_ticks is None else min(end_ticks, self.end_ticks)

    def index_at(self, ticks: int) -> int:
        """Which fragment a moment lies in."""
        return max(0, 1 + (ticks - self.begin_ticks(1)) // self.longest_ticks)

    def closed(self, now_ticks: int) -> int:
        """How many of its fragments are closed by now."""
        whole = self.index_at(now_ticks if self.end_ticks is None else self.end_ticks)
        return whole + (self.end_ticks is not None and self.begin_ticks(whole) < self.end_ticks)

    def close(self, ticks: int) -> None:
        """End it there, or before the fragment that would hold no picture."""
        begin = self.begin_ticks(self.index_at(ticks))
        self.end_ticks = ticks if ticks - begin >= _LEAST_TICKS else begin


class ComputedFootage:
    """Implements `SimulatedFootage`."""

    def __init__(self, clock: Clock, length_s: float, bitrate_bps: int, reel: Reel = _BLANK) -> None:
        """`length_s` is the pre-event buffer's; `bitrate_bps` what a second in it is said to weigh."""
        self._clock, self._length_s, self._bitrate_bps, self._reel = clock, length_s, bitrate_bps, reel
        self._listener: FootageListener | None = None
        self._lost: str | None = None
        self._frozen_s: float | None = None
        self._told: int | None = None  # while recording: the number of the next fragment to deliver
        self._is_opening = False
        self._filming: asyncio.Task[None] | None = None
        self._began = clock.now()
        self._closed: list[_Take] = []
        self._open: _Take | None = None
        self._number = 1  # of the first fragment after the closed takes
        self._end_ticks: int | None = None  # where the last of them ends
        self.history: list[str] = []
        """What happened to the lens, in order."""

    async def start(self, listener: FootageListener) -> None:
        """See `Footage.start`."""
        if self._listener is None:
            self._listener = listener
            self._rewind()
            if self._lost:
                listener.on_source_lost(self._lost)
            else:
                self._open_take()

    async def stop(self) -> None:
        """See `Footage.stop`."""
        self._cut(self._now_ticks())
        self._deliver()
        self._end_recording()
        self._listener = None
        self._rewind()

    async def cut(self) -> None:
        """See `Footage.cut`. The first after `before` opens a recording, the next one ends it."""
        self._cut(self._now_ticks())
        self._deliver()
        if self._is_opening:
            self._is_opening = False
        else:
            self._end_recording()

    def before(self, moment: Instant) -> PreEvent:
        """See `Footage.before`. A recording begins: from here on fragments are delivered."""
        from_ticks = self._ticks(moment.shifted(-self._length_s))
        if self._told is None:
            self._closed = [take for take in self._closed if take.end_ticks is None or take.end_ticks > from_ticks]
            self._cut(self._ticks(moment))
            self._told, self._is_opening = self._number, True
            self._film_on()
        fragments = list(self._fragments(from_ticks))
        return PreEvent(fragments, self._length_s, self._shortfall(fragments, moment))

    def status(self) -> FootageStatus:
        """See `Footage.status`."""
        now_s, now_ticks = self._clock.mono_s(), self._now_ticks()
        from_ticks = now_ticks - round(self._length_s * TICKS_PER_S)
        ends = [(take, now_ticks if take.end_ticks is None else take.end_ticks) for take in self._takes()]
        held_s = sum(max(0, end - max(take.start_ticks, from_ticks)) for take, end in ends) / TICKS_PER_S
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
            self._close_take(self._now_ticks())
            self._deliver()
            self._film_no_more()
            if self._listener is not None:
                self._listener.on_source_lost(reason)

    def plug_in(self) -> None:
        """Pictures again."""
        self.history.append("plug in")
        if self._lost is not None:
            reason, self._lost = self._lost, None
            if self._listener is not None:
                self._open_take(reason)
                self._film_on()
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

    # -- takes ---------------------------------------------------------------------------------------------------------

    def _rewind(self) -> None:
        """The time line begins anew."""
        self._began = self._clock.now()
        self._closed, self._open, self._number, self._end_ticks = [], None, 1, None

    def _takes(self) -> list[_Take]:
        return self._closed if self._open is None else [*self._closed, self._open]

    def _open_take(self, why_dark_before: str = "") -> None:
        now_ticks, gap = self._now_ticks(), None
        if self._end_ticks is not None:
            gap = Gap((now_ticks - self._end_ticks) / TICKS_PER_S, why_dark_before)
        self._open = _Take(self._number, now_ticks, self._longest_ticks(), gap)

    def _close_take(self, ticks: int) -> bool:
        """Whether there was a fragment in it; a take without one is forgotten."""
        take, self._open = self._open, None
        if take is None:
            return False
        take.close(ticks)
        fragments = take.closed(ticks)
        if fragments:
            self._closed.append(take)
            self._number, self._end_ticks = self._number + fragments, take.end_ticks
        return fragments > 0

    def _cut(self, ticks: int) -> None:
        """Close the open GOP there, if it holds a picture; the next begins where it ends."""
        take = self._open
        if take is None:
            return
        if self._close_take(ticks) and take.end_ticks is not None:
            self._open = _Take(self._number, take.end_ticks, self._longest_ticks())
            self._film_on()
        else:
            take.end_ticks, self._open = None, take

    def _longest_ticks(self) -> int:
        return round(self._reel.longest_s * TICKS_PER_S)

    def _ticks(self, moment: Instant) -> int:
        return round((moment.mono_s - self._began.mono_s) * TICKS_PER_S)

    def _now_ticks(self) -> int:
        return self._ticks(self._clock.now())

    # -- recording -----------------------------------------------------------------------------------------------------

    def _film_on(self) -> None:
        self._film_no_more()
        if self._told is not None and self._open is not None:
            self._filming = asyncio.create_task(self._film(self._open), name="film")

    async def _film(self, take: _Take) -> None:
        """Deliver each fragment of a take as it closes."""
        while True:
            now_ticks = self._now_ticks()
            closes_ticks = take.begin_ticks(take.index_at(now_ticks) + 1)
            await self._clock.sleep((closes_ticks - now_ticks) / TICKS_PER_S)
            self._deliver()

    def _film_no_more(self) -> None:
        if self._filming is not None:
            self._filming.cancel()
        self._filming = None

    def _end_recording(self) -> None:
        self._film_no_more()
        self._told, self._is_opening = None, False

    def _deliver(self) -> None:
        """What has closed since the last time, if a recording is under way."""
        if self._told is None or self._listener is None:
            return
        for fragment in list(self._fragments(first=self._told)):
            self._told = fragment.number + 1
            self._listener.on_fragment(fragment)

    # -- fragments -----------------------------------------------------------------------------------------------------

    def _fragments(self, from_ticks: int = 0, first: int = 1) -> Iterator[Fragment]:
        """The closed ones that reach beyond `from_ticks`, from number `first` on."""
        now = self._clock.now()
        now_ticks = self._ticks(now)
        for take in self._takes():
            earliest = max(take.index_at(from_ticks), first - take.number)
            for index in range(earliest, take.closed(now_ticks)):
                begin_ticks, end_ticks = take.begin_ticks(index), take.end_of(index)
                if self._reel.begins_anywhere:
                    begin_ticks = max(begin_ticks, from_ticks)
                if end_ticks > from_ticks and end_ticks - begin_ticks >= _LEAST_TICKS:
                    yield self._fragment(take, index, begin_ticks, end_ticks, now)

    def _fragment(self, take: _Take, index: int, start_ticks: int, end_ticks: int, now: Instant) -> Fragment:
        number, duration_ticks = take.number + index, end_ticks - start_ticks
        frames = max(1, round(duration_ticks * FPS / TICKS_PER_S))
        return Fragment(
            number=number,
            start=now.shifted(self._began.mono_s - now.mono_s + start_ticks / TICKS_PER_S),
            start_ticks=start_ticks,
            duration_ticks=duration_ticks,
            frames=frames,
            header=self._reel.header,
            body=self._reel.body(number, start_ticks, frames, duration_ticks),
            gap_before=take.gap if start_ticks == take.start_ticks else None,
        )

    def _shortfall(self, fragments: list[Fragment], moment: Instant) -> str | None:
        """Why the fragments do not reach back as far as was asked; None when they do."""
        if not self._length_s:
            return None
        if not fragments:
            return self._lost or "no pictures had been captured yet"
        held_s = moment.mono_s - fragments[0].start.mono_s
        if (self._length_s - held_s) * TICKS_PER_S < 2 * _LEAST_TICKS:
            return None
        gap = fragments[0].gap_before
        return gap.reason if gap else f"capture began only {held_s:.1f} s before"
