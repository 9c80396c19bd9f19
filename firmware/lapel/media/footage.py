"""Video source, encoder and pre-event buffer as one: two threads, and what they hand to the event loop.

    capture thread ──frames──▶ encoder thread ──fragments──▶ event loop: pre-event buffer, then the listener

The capture thread may hang in a driver for seconds; the encoder thread never waits for it longer than `stall_s`, and so
notices when no frames come. What must happen in order with the frames (a cut) goes through the same queue.
"""

import asyncio
import contextlib
import queue
import threading
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import msgspec

from lapel.clock import Clock, Instant
from lapel.errors import VideoEnded, VideoError
from lapel.fragment import Fragment
from lapel.hardware.interfaces import (
    CodedFrame,
    CodedSource,
    FootageListener,
    FootageStatus,
    Frame,
    FrameFormat,
    FrameSource,
    PreEvent,
)
from lapel.light_event import LightEvent
from lapel.media.frame_reducer import FrameReducer
from lapel.media.prebuffer import PreEventBuffer
from lapel.media.sound_track import SoundTrack
from lapel.randomness import RandomSource

QUEUED_FRAMES = 8
"""A quarter of a second at 30 fps and 50 MB at 1080p: enough for a slow moment of the encoder."""
_HAND_OVER_S = 0.4
"""Seconds that the capture thread waits for room before it drops a frame: paced sources skip nothing up to 0.5 s."""
_BACKOFF_S = (0.5, 10.0)
_JOIN_S = 5.0
_TOO_SLOW = "the encoder could not keep up with the source"
_NOTHING_YET = "no frames yet"
_SAMPLE_STEP = 16
"""Frames are compared by every sixteenth pixel of every sixteenth row: a sensor's noise alone changes some of these.

Measured on x86: 74 us for a 1080p frame.
"""


_Taken = TypeVar("_Taken", contravariant=True)


class FragmentMaker(Protocol[_Taken]):
    """Makes fragments of frames: an `Encoder` of images, or a `FragmentCopier` of what the source has encoded."""

    @property
    def forces_keyframes(self) -> bool:
        """Whether a GOP can be closed at any moment; else only the source's next keyframe ends it."""

    def encode(self, frame: _Taken) -> Fragment | None:
        """Take a frame; returns the fragment that it closes."""

    def cut(self) -> Fragment | None:
        """Close the open GOP; None when none is open."""

    def missed(self, reason: str) -> None:
        """Set the reason for a gap, in case the next frame shows that there is one."""


@dataclass(frozen=True, slots=True)
class _Opened:
    form: FrameFormat


@dataclass(frozen=True, slots=True)
class _Lost:
    reason: str


@dataclass(frozen=True, slots=True)
class _Ended:
    reason: str


@dataclass(frozen=True, slots=True)
class _Cut:
    done: Callable[[bool], None]


class _Stop:
    pass


_Item = Frame | CodedFrame | _Opened | _Lost | _Ended | _Cut | _Stop


class LiveFootage:
    """Implements `hardware.interfaces.Footage` with a FrameSource. Used from the event loop that starts it."""

    def __init__(
        self,
        source: FrameSource | CodedSource,
        new_encoder: Callable[[FrameFormat], FragmentMaker[Any]],
        prebuffer: PreEventBuffer,
        clock: Clock,
        randomness: RandomSource,
        *,
        stall_s: float = 2.0,
        sound: SoundTrack | None = None,
        sound_in_prebuffer: bool = False,
        overlay: Callable[[Frame], None] | None = None,
        new_reducer: Callable[[], FrameReducer] | None = None,
    ) -> None:
        """`new_encoder` is called once per start, with the source's format, in the encoder thread. `sound` is started
        and stopped with the video; the encoder takes from it. `new_reducer` is called once per start; without it frames
        keep their size, however slow the encoder is.
        """
        self._new_reducer = new_reducer
        self._sound, self._sound_in_prebuffer = sound, sound_in_prebuffer
        self._source, self._new_encoder, self._prebuffer = source, new_encoder, prebuffer
        self._clock, self._randomness, self._stall_s, self._overlay = clock, randomness, stall_s, overlay
        self._run: _Run | None = None

    async def start(self, listener: FootageListener, reason: str) -> None:
        """See `Footage.start`. Harmless when started."""
        if self._run is None:
            self._prebuffer.begin(reason)
            self._run = _Run(self, listener, asyncio.get_running_loop())
            self._run.start()

    async def stop(self) -> None:
        """Stop capturing. The open GOP is delivered; a driver that hangs is left behind after five seconds."""
        run, self._run = self._run, None
        if run is not None:
            await run.stop()
            self._prebuffer.clear()

    async def cut(self, wait_s: float = 0.0) -> bool:
        """See `Footage.cut`. Harmless when not started."""
        return self._run is None or await self._run.cut(wait_s)

    def set_muted(self, is_muted: bool, moment: Instant) -> None:
        """See `Footage.set_muted`."""
        if self._sound is not None:
            self._sound.set_muted(is_muted, moment.mono_s)

    def before(self, moment: Instant) -> PreEvent:
        """What the buffer holds from before `moment`."""
        return self._prebuffer.before(moment)

    def silent_s(self) -> float:
        """Seconds since the encoder thread last took something up, beyond its usual wait; 0 while not capturing."""
        return self._run.silent_s() if self._run is not None else 0.0

    def status(self) -> FootageStatus:
        """The state of capturing."""
        status = self._run.dated_status() if self._run is not None else FootageStatus()
        if self._sound is not None and self._sound.has_sound:
            status = msgspec.structs.replace(status, sound=self._sound.status)
        held_s, held_bytes = self._prebuffer.held_s, self._prebuffer.held_bytes
        return msgspec.structs.replace(status, buffered_s=held_s, buffered_bytes=held_bytes)


class _Run:
    """One run, from a start to its stop: the queue, the two threads, and their state."""

    def __init__(self, footage: LiveFootage, listener: FootageListener, loop: asyncio.AbstractEventLoop) -> None:
        self.status = FootageStatus(lost=_NOTHING_YET)
        self._f, self._listener, self._loop = footage, listener, loop
        self._items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._room = threading.Semaphore(QUEUED_FRAMES)
        self._stopping = threading.Event()
        name = footage._source.name
        self._capturing = threading.Thread(target=self._capture, name=f"capture {name}", daemon=True)
        self._encoding = threading.Thread(target=self._encode, name=f"encode {name}", daemon=True)
        self._encoder: FragmentMaker[Any] | None = None
        self._reducer = footage._new_reducer() if footage._new_reducer is not None else None
        self._fragments, self._fragment_arrived = 0, LightEvent()
        self._recent: deque[float] = deque(maxlen=60)
        self._sample = 0
        self._same_since_s = 0.0
        self._newest_s: float | None = None
        self._took_s = footage._clock.mono_s()

    def dated_status(self) -> FootageStatus:
        """The status with the newest frame's age."""
        if self._newest_s is None:
            return self.status
        age_s = max(0.0, self._f._clock.mono_s() - self._newest_s)
        return msgspec.structs.replace(self.status, last_frame_age_s=age_s)

    def silent_s(self) -> float:
        if not self._encoding.is_alive():
            return 0.0  # it has reported why it ended
        return max(0.0, self._f._clock.mono_s() - self._took_s - self._f._stall_s)

    def start(self) -> None:
        if self._f._sound is not None:
            self._f._sound.start()
        self._capturing.start()
        self._encoding.start()

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.to_thread(self._capturing.join, _JOIN_S)
        self._items.put(_Stop())
        await asyncio.to_thread(self._encoding.join, _JOIN_S)
        if self._f._sound is not None:
            await asyncio.to_thread(self._f._sound.stop, _JOIN_S)
        await asyncio.sleep(0)  # what the encoder thread posted last is delivered before this returns

    async def cut(self, wait_s: float) -> bool:
        done, delivered = asyncio.get_running_loop().create_future(), self._fragments

        def answer(is_cut: bool) -> None:
            if not done.done():
                done.set_result(is_cut)

        self._items.put(_Cut(answer))
        is_cut = True
        with contextlib.suppress(TimeoutError):  # the encoder thread has ended: there is nothing to cut
            async with asyncio.timeout(_JOIN_S):
                is_cut = await done
        return is_cut or (wait_s > 0 and await self._fragment_after(delivered, wait_s))

    async def _fragment_after(self, number: int, within_s: float) -> bool:
        """Whether more than `number` fragments were delivered within that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._fragments <= number:
                    await self._fragment_arrived.wait()
            return True
        return False

    # -- capture thread ----------------------------------------------------------------------------------------------

    def _capture(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                self._items.put(_Opened(self._f._source.open()))
                failures = 0
                self._read_all()
            except VideoEnded as end:
                self._items.put(_Ended(str(end)))
                break
            except VideoError as error:
                failures += 1
                self._items.put(_Lost(str(error)))
            except Exception as bug:  # a driver's own exceptions: never end silently
                failures += 1
                self._items.put(_Lost(f"{self._f._source.name}: {type(bug).__name__}: {bug}"))
            self._f._source.close()
            self._stopping.wait(self._backoff_s(failures))
        self._f._source.close()

    def _read_all(self) -> None:
        """Read until the run is stopped. Raises VideoError when no frames come."""
        dropped, notes = 0, list[str]()
        while not self._stopping.is_set():
            frame = self._f._source.read()
            dropped += frame.dropped_before
            notes += [frame.note] if frame.note else []
            if self._room.acquire(timeout=_HAND_OVER_S):
                self._items.put(replace(frame, dropped_before=dropped, note="; ".join(notes)))
                dropped, notes = 0, []
            else:
                dropped += 1

    def _backoff_s(self, failures: int) -> float:
        shortest, longest = _BACKOFF_S
        return self._f._randomness.uniform(0.5, 1.0) * min(longest, shortest * 2.0 ** min(failures, 10))

    # -- encoder thread ----------------------------------------------------------------------------------------------

    def _encode(self) -> None:
        try:
            while self._take(self._next()):
                pass
        except Exception as bug:
            self._post(self._ended, f"{self._f._source.name}: encoding failed: {bug}")
        finally:
            self._stopping.set()

    def _next(self) -> _Item:
        self._took_s = self._f._clock.mono_s()
        try:
            item = self._items.get(timeout=self._f._stall_s)
            if self._reducer is not None:
                self._reducer.waited(self._f._clock.mono_s() - self._took_s)
            return item
        except queue.Empty:
            return _Lost(f"{self._f._source.name}: no frame for {self._f._stall_s:g} s")

    def _take(self, item: _Item) -> bool:
        """Handle one item. False when it was the last."""
        match item:
            case Frame() | CodedFrame():
                self._room.release()
                self._encode_frame(item)
            case _Opened(form):
                self._encoder = self._encoder or self._f._new_encoder(form)
            case _Lost(reason):
                self._lose(reason)
            case _Cut(done):
                can_cut = self._encoder is None or self._encoder.forces_keyframes or self.status.lost is not None
                if can_cut:
                    self._cut()
                self._post(done, can_cut)
            case _Ended(reason):
                self._cut()
                self._post(self._ended, reason)
            case _Stop():
                self._cut()
                return False
        return True

    def _encode_frame(self, frame: Frame | CodedFrame) -> None:
        assert self._encoder is not None, "frames come from an open source"
        if frame.note:
            self._post(self._listener.on_source_note, frame.note)
        unchanged_s = None
        if isinstance(frame, Frame):
            unchanged_s = self._unchanged_s(frame)
            frame = self._reduced(frame)
            if self._f._overlay is not None:
                self._f._overlay(frame)
        self._deliver(self._encoder.encode(frame))
        self._recent.append(frame.captured.mono_s)
        self._newest_s = frame.captured.mono_s
        was_lost = self.status.lost is not None
        dropped = self.status.dropped_frames + frame.dropped_before
        self.status = FootageStatus(
            measured_fps=self._rate_fps(),
            dropped_frames=dropped,
            unchanged_s=unchanged_s,
            reduced=self._reducer is not None and self._reducer.is_reducing,
        )
        if was_lost:
            self._post(self._listener.on_source_restored)

    def _reduced(self, frame: Frame) -> Frame:
        """The frame at a size that the encoder can keep up with."""
        if self._reducer is None:
            return frame
        is_smaller = self._reducer.observe(self._f._clock.mono_s())
        frame = self._reducer.reduced(frame)
        if is_smaller:
            self._post(self._listener.on_video_reduced, frame.image.shape[1], frame.height, _TOO_SLOW)
        return frame

    def _unchanged_s(self, frame: Frame) -> float:
        """Seconds for which the source has delivered this same frame. Before the overlay: its clock would hide that."""
        sample = zlib.crc32(frame.image[: frame.height : _SAMPLE_STEP, ::_SAMPLE_STEP].tobytes())
        if sample != self._sample:
            self._sample, self._same_since_s = sample, frame.captured.mono_s
        return max(0.0, frame.captured.mono_s - self._same_since_s)

    def _rate_fps(self) -> float:
        span_s = self._recent[-1] - self._recent[0]
        return (len(self._recent) - 1) / span_s if span_s > 0 else 0.0

    def _lose(self, reason: str) -> None:
        """Report that no frames come. The first reason stands until they do: later ones mostly follow from it."""
        if self._stopping.is_set() or self.status.lost not in (None, _NOTHING_YET):
            return
        self._cut()
        if self._encoder is not None:
            self._encoder.missed(reason)
        self.status = msgspec.structs.replace(self.status, measured_fps=0.0, lost=reason)
        self._recent.clear()
        if self._reducer is not None:
            self._reducer.begin_again(self._f._clock.mono_s())
        self._post(self._listener.on_source_lost, reason)

    def _cut(self) -> None:
        if self._encoder is not None:
            self._deliver(self._encoder.cut())

    def _deliver(self, fragment: Fragment | None) -> None:
        if fragment is not None:
            self._post(self._delivered, fragment)

    def _post(self, call: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed: there is no listener any more
            self._loop.call_soon_threadsafe(call, *arguments)

    # -- event loop --------------------------------------------------------------------------------------------------

    def _delivered(self, fragment: Fragment) -> None:
        self._fragments += 1
        self._f._prebuffer.append(fragment if self._f._sound_in_prebuffer else fragment.without_sound())
        self._listener.on_fragment(fragment)
        self._fragment_arrived.pulse()

    def _ended(self, reason: str) -> None:
        self._listener.on_source_ended(reason)
