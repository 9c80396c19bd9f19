"""One recording: fragments come in on the event loop, and go to disk one worker call after another.

Nothing here waits for the disk but the recording's one task, `drain`.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

import msgspec

from lapel.clock import Instant
from lapel.errors import ClipLostError, StorageError
from lapel.fragment import TICKS_PER_S, Fragment
from lapel.hardware.interfaces import PreEvent, RecordingFiles, Storage
from lapel.light_event import LightEvent
from lapel.media.clip import Clip, Mark, Missing, Placed, utc_of
from lapel.media.mute_notes import Mute
from lapel.media.notices import ClipLost, Failed, Lost, Notice, PreEventSaved, Saved, Started
from lapel.media.position_trail import Surroundings
from lapel.media.sound_trimming import sound_since
from lapel.recording import Account, Cause
from lapel.worker import Worker

BATCH_BYTES = 8 * 1024 * 1024
"""What one worker call writes, give or take a fragment: a disk that fails tears no more than this off a file."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a recording works with, and the bounds it keeps."""

    storage: Storage
    worker: Worker
    new_id: Callable[[], str]
    notify: Callable[[Notice], None]
    max_clip_s: float
    unwritten_max_bytes: int
    surroundings: Callable[[], Surroundings]
    """Clock quality and position of this moment."""
    undescribed: list[Clip]
    """Failed clips whose account the disk has not taken yet."""


class _Milestone(Enum):
    """Items of the queue that are not fragments."""

    PRE_EVENT_COMPLETE = auto()
    END = auto()


class Recording:
    """One activation: a clip, or several linked ones when it is long or the source changes.

    Its methods are called on the event loop and never block. After it has failed they do nothing.
    """

    def __init__(
        self, means: Means, account: Account, trigger: Instant, before: PreEvent, shortfall_reasons: Sequence[str]
    ) -> None:
        self.id = account.recording
        """The id of its first clip."""
        self.ended = False
        """Whether it takes no more fragments: it was ended, or it failed."""
        self._means = means
        self._blank = account  # what each of its clips starts from
        self._trigger = trigger
        self._shortfall_reasons = shortfall_reasons
        self._markers: list[Mark] = []
        self._mutes: list[Mute] = []
        self._queue: deque[Fragment | Missing | _Milestone] = deque()
        self._arrived = LightEvent()
        self._last_number = 0
        self._end_ticks = 0
        for fragment in before.fragments:
            if self._follows(fragment):
                self._queue.append(self._with_sound_that_may_be_kept(fragment))
        self._last_snapshot_number = self._last_number
        self._unwritten_bytes = 0
        self._pre_event_complete = False
        # From here on for the drain alone.
        self._stop: Cause | None = None
        self._stopped: Instant | None = None
        self._open: list[Clip] = []
        self._in_flight: list[Placed | Missing] = []
        self._started = False
        self._pre_event_saved = False
        self._held_before_trigger_s = 0.0
        self._shortfall: str | None = None

    @property
    def account(self) -> Account:
        """What is on disk of the clip that is being written now."""
        return self._open[-1].snapshot() if self._open else self._blank

    @property
    def unwritten_bytes(self) -> int:
        """What waits for the disk, the snapshot not counted."""
        return self._unwritten_bytes

    def add(self, fragment: Fragment) -> None:
        """The next fragment; one that came before is not taken twice.

        If the disk is so slow that more than `unwritten_max_bytes` would wait, the fragment is lost: a `Lost`
        notice reports it, and the account lists a gap. What `begin` was given does not count, it is in memory anyway.
        """
        if self.ended or not self._follows(fragment):
            return
        fragment = self._with_sound_that_may_be_kept(fragment)
        if self._unwritten_bytes + fragment.size_bytes > self._means.unwritten_max_bytes:
            self._miss(Missing.of(fragment, "disk too slow"))
            return
        self._unwritten_bytes += fragment.size_bytes
        self._put(fragment)
        if self._blank.copied and fragment.end_mono_s >= self._trigger.mono_s:  # that GOP was not cut at the trigger
            self.pre_event_complete()

    def mark(self, moment: Instant, label: str = "") -> None:
        """Set a marker."""
        if not self.ended:
            self._markers.append(Mark(moment.mono_s, label))
            self._wake_drain()

    def categorise(self, category: str, *, is_critical: bool) -> None:
        """Say what kind of incident it shows. Clips that were completed before keep what they say."""
        if not self.ended:
            self._blank = msgspec.structs.replace(self._blank, category=category, is_critical=is_critical)
            for clip in self._open:
                clip.account.category, clip.account.is_critical = category, is_critical
            self._wake_drain()

    @property
    def category(self) -> str:
        """What kind of incident it shows; empty: uncategorised."""
        return self._blank.category

    @property
    def is_muted(self) -> bool:
        """Whether it is muted now."""
        return bool(self._mutes) and self._mutes[-1].end_s == math.inf

    def mute(self, moment: Instant, cause: Cause) -> None:
        """Note that there is no sound from that moment on."""
        if not self.ended:
            self._mutes.append(Mute(moment.mono_s, cause))
            self._wake_drain()

    def unmute(self, moment: Instant) -> float:
        """Note that there is sound again. Returns for how many seconds there was none."""
        self._mutes[-1].end_s = moment.mono_s
        self._wake_drain()
        return moment.mono_s - self._mutes[-1].start_s

    def pre_event_complete(self) -> None:
        """Everything from before the trigger was added: the snapshot, and the GOP that was open at the trigger."""
        if not self.ended and not self._pre_event_complete:
            self._pre_event_complete = True
            self._put(_Milestone.PRE_EVENT_COMPLETE)

    def end(self, cause: Cause, stopped: Instant | None = None) -> None:
        """No more fragments come. What waits is written in the background.

        `stopped`: when it was to end, where the last fragment may go on after that.
        """
        if not self.ended:
            self.pre_event_complete()
            self.ended = True
            self._stop, self._stopped = cause, stopped
            self._put(_Milestone.END)

    def _with_sound_that_may_be_kept(self, fragment: Fragment) -> Fragment:
        """Sound from before the trigger is recorded only where that was configured."""
        return fragment if self._blank.audio_in_prebuffer else sound_since(fragment, self._trigger.mono_s)

    def _wake_drain(self) -> None:
        """Have it write the account, which has news."""
        if self._open:
            self._open[-1].has_news = True
        self._arrived.set()

    def _put(self, item: Fragment | Missing | _Milestone) -> None:
        self._queue.append(item)
        self._arrived.set()

    def _follows(self, fragment: Fragment) -> bool:
        """Whether `fragment` is new. A jump in the numbers is reported as missing footage."""
        if fragment.number <= self._last_number:
            return False
        skipped = fragment.number - self._last_number - 1
        if self._last_number and skipped:
            gap_s = fragment.gap_before.duration_s if fragment.gap_before else 0.0
            ticks = fragment.start_ticks - round(gap_s * TICKS_PER_S) - self._end_ticks
            self._miss(Missing(self._end_ticks, max(0, ticks), 0, f"{skipped} fragment(s) never reached the recorder"))
        self._last_number = fragment.number
        self._end_ticks = fragment.start_ticks + fragment.duration_ticks
        return True

    def _miss(self, missing: Missing) -> None:
        self._put(missing)
        self._means.notify(Lost(self, missing.frames, missing.seconds, missing.reason))

    # -- the drain: from the queue to the disk -----------------------------------------------------------------------

    async def drain(self) -> None:
        """The recording's one task: write until it has ended or failed. Cancelled, it leaves the disk as it is."""
        try:
            await self._write_clips()
        except StorageError as error:
            await self._give_up(error)
        except Exception as bug:
            await self._give_up(StorageError(f"recording {self.id}: cannot be written: {bug}"))
            raise
        finally:
            for clip in self._open:
                await self._means.worker.run(clip.files.close)

    async def _write_clips(self) -> None:
        clip = await self._opened(self._blank, self._shortfall_reasons)
        while clip in self._open:
            if batch := self._next_batch(clip):
                clip = await self._write(clip, batch)
            elif self._queue:
                clip = await self._turn(clip)
            elif clip.has_news:
                await self._describe(clip)
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def _next_batch(self, clip: Clip) -> list[Placed | Missing]:
        """What goes to disk in one call. The very first fragment goes alone, so that something is safe at once."""
        batch: list[Placed | Missing] = []
        size_bytes = 0
        while self._queue and size_bytes < BATCH_BYTES and (self._started or not batch):
            item = self._queue[0]
            if isinstance(item, Fragment) and clip.refusal(item, self._means.max_clip_s) is None:
                batch.append(clip.place(item))
                size_bytes += item.size_bytes
            elif isinstance(item, Missing):
                batch.append(item)
            else:
                break
            self._queue.popleft()
        return batch

    async def _write(self, clip: Clip, batch: list[Placed | Missing]) -> Clip:
        """Returns the clip to go on with."""
        self._in_flight = batch
        placed = [item for item in batch if isinstance(item, Placed)]
        if placed:
            try:
                await self._means.worker.run(partial(_append, clip.files, placed))
            except ClipLostError as error:
                return await self._replace_lost(clip, error)
        self._in_flight = []
        for item in batch:
            if isinstance(item, Placed):
                clip.wrote(item)
            else:
                clip.missed(item)
        if placed and clip.is_position_due():
            clip.pass_by(self._means.surroundings())
        self._unwritten_bytes -= sum(map(self._counted_bytes, placed))
        if placed and not self._started:
            self._started = True
            self._means.notify(Started(self))
        return clip

    async def _replace_lost(self, lost: Clip, error: ClipLostError) -> Clip:
        """Go on in a linked clip with what was about to be written."""
        missing = lost.lost(error.left, str(error))
        first = next(item.fragment for item in self._in_flight if isinstance(item, Placed))
        self._held_before_trigger_s += lost.account.prebuffer_actual_s
        new = await self._opened(self._linked(lost.account.recording, first), [*self._shortfall_reasons, str(error)])
        lost.continued(new.account.recording, first)
        self._queue.extendleft(_unplaced(item) for item in reversed(self._in_flight))
        self._in_flight = []
        await self._close_lost(lost, error, missing)
        return new

    async def _close_lost(self, clip: Clip, error: ClipLostError, missing: Missing) -> None:
        """Record in its account, if its folder is still there, why it ended."""
        clip.finish("failed", Cause("camera", str(error)), self._means.surroundings())
        self._means.notify(ClipLost(self, clip.account.recording, error))
        if missing.frames:
            self._means.notify(Lost(self, missing.frames, missing.seconds, str(error)))
        try:
            await self._describe(clip)
        except StorageError:
            self._means.undescribed.append(clip)
        await self._means.worker.run(clip.files.close)
        self._open.remove(clip)

    def _counted_bytes(self, placed: Placed) -> int:
        fragment = placed.fragment
        return fragment.size_bytes if fragment.number > self._last_snapshot_number else 0

    async def _turn(self, clip: Clip) -> Clip:
        """Do what stands at the head of the queue and is not for this clip to take. Returns the clip to go on with."""
        item = self._queue[0]
        if isinstance(item, Fragment):
            return await self._roll_over(clip, item)
        self._queue.popleft()
        if item is _Milestone.PRE_EVENT_COMPLETE:
            await self._save_pre_event(clip)
        elif self._stop is not None:
            clip.finish("complete", self._stop, self._means.surroundings(), self._stopped)
            await self._save(clip)
        return clip

    async def _save_pre_event(self, clip: Clip) -> None:
        clip.pre_event_is_saved()
        await self._describe(clip)
        self._pre_event_saved = True
        account = clip.account
        self._means.notify(
            PreEventSaved(
                self,
                actual_s=round(self._held_before_trigger_s + account.prebuffer_actual_s, 3),
                configured_s=self._blank.prebuffer_configured_s,
                shortfall=self._shortfall_up_to(clip),
            )
        )

    def _shortfall_up_to(self, clip: Clip) -> str | None:
        """The last word on the pre-event part, by the last clip that was asked for some of it."""
        return clip.account.prebuffer_shortfall if clip.account.prebuffer_configured_s else self._shortfall

    async def _roll_over(self, old: Clip, first: Fragment) -> Clip:
        """Go on in a linked clip. That one is made first: a power cut in between leaves no link into nothing."""
        self._held_before_trigger_s += old.account.prebuffer_actual_s
        new = await self._opened(self._linked(old.account.recording, first), self._shortfall_reasons)
        reason = old.refusal(first, self._means.max_clip_s) or ""
        old.continued(new.account.recording, first)
        old.finish("complete", Cause("camera", reason), self._means.surroundings())
        self._shortfall = self._shortfall_up_to(old)
        await self._save(old)
        return new

    def _linked(self, continues: str, first: Fragment) -> Account:
        """A clip that goes on from another; of the pre-event part it is asked what the earlier ones do not hold."""
        rest_s = self._blank.prebuffer_configured_s - self._held_before_trigger_s
        is_before = first.start.mono_s < self._trigger.mono_s
        return msgspec.structs.replace(
            self._blank,
            recording=self._means.new_id(),
            continues=continues,
            start_time=utc_of(first, self._trigger),
            prebuffer_configured_s=round(max(0.0, rest_s), 3) if is_before else 0.0,
            prebuffer_saved=self._pre_event_saved,
        )

    async def _opened(self, account: Account, shortfall_reasons: Sequence[str]) -> Clip:
        account = msgspec.structs.replace(account)
        files = await self._means.worker.run(partial(self._means.storage.create, account))
        clip = Clip(account, self._trigger, shortfall_reasons, self._markers, self._mutes, files)
        self._open.append(clip)
        return clip

    async def _describe(self, clip: Clip) -> None:
        clip.has_news = False
        await self._means.worker.run(partial(clip.files.describe, clip.snapshot()))

    async def _save(self, clip: Clip) -> None:
        try:
            await self._describe(clip)
        except ClipLostError as error:
            await self._close_lost(clip, error, clip.lost(error.left, str(error)))
            return
        await self._means.worker.run(clip.files.close)
        self._open.remove(clip)
        self._means.notify(Saved(clip.snapshot()))

    async def _give_up(self, error: StorageError) -> None:
        """Report at once that the disk failed and what it did not take. The account records it, too: now, or as soon as
        the disk takes it (`Recorder.save_failed`).
        """
        self.ended = True
        self._means.notify(Failed(self, error))
        unwritten = [item for item in (*self._in_flight, *self._queue) if not isinstance(item, _Milestone)]
        self._queue.clear()
        self._report_unwritten(unwritten)
        for clip in self._open:
            clip.finish("failed", Cause("camera", str(error)), self._means.surroundings())
            try:
                await self._describe(clip)
            except StorageError:
                self._means.undescribed.append(clip)

    def _report_unwritten(self, items: list[Fragment | Missing | Placed]) -> None:
        lost = []
        for item in items:
            missing = item if isinstance(item, Missing) else Missing.of(_fragment(item), "the disk failed")
            if missing is not item:
                lost.append(missing)
            for clip in self._open[-1:]:
                clip.missed(missing)
        if lost:
            frames, seconds = sum(one.frames for one in lost), sum(one.seconds for one in lost)
            self._means.notify(Lost(self, frames, seconds, "the disk failed"))


def _append(files: RecordingFiles, placed: Sequence[Placed]) -> None:
    files.append([one.for_storage() for one in placed])


def _unplaced(item: Placed | Missing) -> Fragment | Missing:
    return item.fragment if isinstance(item, Placed) else item


def _fragment(item: Fragment | Placed) -> Fragment:
    return item.fragment if isinstance(item, Placed) else item
