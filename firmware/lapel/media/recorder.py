"""The recorder: makes recordings of fragments, in the background.

    recorder.begin(...)          the pre-event fragments, at once and by reference
    recording.add(fragment)      each GOP as it closes, the one that was open at the trigger included
    recording.end(cause)         the rest is written in the background; `recorder.settled()` waits for it

Each recording has one task that waits for the disk (`active_recording.py`). What happens there is reported by notices.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from lapel.clock import Clock, Instant, iso
from lapel.errors import StorageError
from lapel.hardware.interfaces import Fix, PreEvent, Storage
from lapel.media.active_recording import Means, Recording
from lapel.media.clip import utc_of
from lapel.media.notices import Notice
from lapel.media.position_trail import Surroundings
from lapel.recording import Account, Attribution, Cause, Location, StartDecision
from lapel.worker import Worker


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of the camera, which every account contains."""

    agency: str
    site: str
    camera: str
    model: str
    session: str
    firmware: str
    time_zone: str
    audio_in_prebuffer: bool = False
    copied: bool = False
    """Whether it records the source's own encoding."""


class Recorder:
    """Makes recordings. `notify` is called on the event loop and must not block."""

    def __init__(
        self,
        storage: Storage,
        worker: Worker,
        clock: Clock,
        *,
        identity: Identity,
        new_id: Callable[[], str],
        max_clip_s: float,
        unwritten_max_bytes: int,
        notify: Callable[[Notice], None],
        last_fix: Callable[[], Fix | None] = lambda: None,
        records_sound: Callable[[], bool] = lambda: False,
        attribution: Callable[[], Attribution] = Attribution,
    ) -> None:
        """`last_fix`: the newest position, for each account's start and end. `records_sound`: whether the video comes
        with sound. `attribution`: who wears the camera and which category was chosen, when a recording begins.
        """
        self._clock, self._last_fix, self._records_sound = clock, last_fix, records_sound
        self._attribution = attribution
        self._means = Means(
            storage, worker, new_id, notify, max_clip_s, unwritten_max_bytes, self._surroundings, undescribed=[]
        )
        self._identity = identity
        self._draining: dict[asyncio.Task[None], Recording] = {}

    def begin(
        self,
        cause: Cause,
        trigger: Instant,
        before: PreEvent,
        *,
        why_short: str | None = None,
        decision: StartDecision | None = None,
    ) -> "Recording":
        """Begin a recording with what was buffered. Returns at once; the disk is met in the background.

        `why_short`: what the camera knows about a pre-event part that will be shorter than `before.configured_s`.
        `decision`: what the policy says about the start.
        """
        shortfall_reasons = [reason for reason in (before.shortfall, why_short) if reason]
        account = self._account(cause, trigger, before, decision)
        recording = Recording(self._means, account, trigger, before, shortfall_reasons)
        task = asyncio.create_task(recording.drain(), name=f"recording {recording.id}")
        self._draining[task] = recording
        task.add_done_callback(self._draining.pop)
        return recording

    async def settled(self) -> None:
        """Wait until every recording that was ended is on disk, or has failed. Cancels nothing when cancelled."""
        while ended := [task for task, recording in self._draining.items() if recording.ended]:
            await asyncio.wait(ended)

    async def save_failed(self, *, last_try: bool = False) -> None:
        """Write the accounts of failed clips that the disk did not take when it failed. Never raises.

        `last_try`: the storage works again, so what it still does not take is on another card and is given up.
        """
        waiting = list(self._means.undescribed)
        self._means.undescribed.clear()  # a second call meanwhile has nothing to do
        for clip in waiting:
            try:
                await self._means.worker.run(partial(clip.files.describe, clip.snapshot()))
            except StorageError:
                if not last_try:
                    self._means.undescribed.append(clip)

    async def abandon(self) -> None:
        """Let go of what is still being recorded, as it is on disk: the next start will find it interrupted."""
        for task in tuple(self._draining):
            task.cancel()
            await asyncio.wait([task])

    def _account(self, cause: Cause, trigger: Instant, before: PreEvent, decision: StartDecision | None) -> Account:
        """The account as it is before anything is on disk."""
        identity, surroundings = self._identity, self._surroundings()
        return Account(
            recording=self._means.new_id(),
            agency=identity.agency,
            site=identity.site,
            camera=identity.camera,
            session=identity.session,
            firmware=identity.firmware,
            model=identity.model,
            time_zone=identity.time_zone,
            audio=self._records_sound(),
            audio_in_prebuffer=identity.audio_in_prebuffer,
            copied=identity.copied,
            clock_quality=surroundings.clock_quality,
            position_start=surroundings.position,
            trigger_time=iso(trigger.utc),
            start_time=utc_of(before.fragments[0], trigger) if before.fragments else None,
            start=cause,
            decision=decision,
            prebuffer_configured_s=before.configured_s,
            **msgspec.structs.asdict(self._attribution()),
        )

    def _surroundings(self) -> Surroundings:
        return Surroundings(self._clock.quality(), _location(self._last_fix()), self._clock.mono_s())


def _location(fix: Fix | None) -> Location | None:
    if fix is None:
        return None
    fix = fix.rounded()
    return Location(latitude=fix.latitude, longitude=fix.longitude, accuracy_m=fix.accuracy_m, age_s=fix.age_s)
