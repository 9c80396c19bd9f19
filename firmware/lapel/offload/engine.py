"""The offload engine: lets recordings leave the camera, in order, until each is confirmed.

What to do is decided in `plan.py`, what a refusal means in `refusals.py`; how bytes travel is the destination's. Here
is when: what may leave now, how many at once, what waits and for how long.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lapel.clock import Clock
from lapel.errors import BlockedError, BusyError, EvidenceError, OffloadError, RejectedError, StorageError
from lapel.light_event import LightEvent
from lapel.offload.delivery import Delivery, Speed
from lapel.offload.interface import Destination, OutgoingRecording
from lapel.offload.listener import Gate, OffloadListener, OffloadStatus
from lapel.offload.plan import Plan, Waits, make_plan, recordings_of
from lapel.offload.progress import ProgressBook, ProgressNotes
from lapel.offload.receipts import ReceiptCollector
from lapel.offload.schedule import CARD_RETRY_S, Schedule
from lapel.offload.throttle import NoThrottle, Throttle
from lapel.outgoing import OutgoingClip, OutgoingRecordings
from lapel.worker import Worker


class Offloader:
    """Offloads the recordings of one camera. `run` lasts as long as the camera."""

    def __init__(
        self,
        destination: Destination,
        card: OutgoingRecordings,
        notes: ProgressNotes,
        *,
        clock: Clock,
        worker: Worker,
        waits: Waits,
        listener: OffloadListener,
        gate: Callable[[], Gate],
        throttle: Throttle | None = None,
        uploads: int = 1,
        critical: frozenset[str] = frozenset(),
        reads_back: bool = False,
    ) -> None:
        """`waits`: between attempts at a back end that is busy. `uploads`: recordings that leave at once. `critical`:
        triggers whose recordings go first. `reads_back`: see `Delivery`.
        """
        self._destination, self._card = destination, card
        self._clock, self._worker, self._listener, self._gate = clock, worker, listener, gate
        self._schedule = Schedule(clock, waits)
        self._uploads, self._critical = uploads, critical
        self._speed, self._book = Speed(clock), ProgressBook(notes, worker)
        self._delivery = Delivery(
            destination, card, self._book, worker, throttle or NoThrottle(), self._speed, reads_back=reads_back
        )
        self._receipts = ReceiptCollector(destination, card, self._book, worker, clock, listener)
        self._clips: list[OutgoingClip] = []
        self._wake = LightEvent()
        self._active: dict[str, _Transfer] = {}
        self._paused, self._doing = "", "starts"

    # -- from the camera -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Offload until cancelled. Uploads that are cut short go on where they were the next time."""
        try:
            while True:
                await self._step_safely()
        finally:
            await self._stop_uploads()
            await self._settle()
            await self._destination.close()

    async def load(self) -> None:
        """Read what earlier sessions have noted. Call it once, before `run`."""
        try:
            await self._book.load(self._destination.name)
        except StorageError as error:  # what has arrived is found at the back end again
            self._listener.on_note(str(error))

    def unanswered_commands(self) -> set[str]:
        """The ids of the commands whose recordings have not arrived yet."""
        return {note.requested_by for note in self._book.all() if note.requested_by}

    def look(self) -> None:
        """Something has changed: docked, undocked, charged, a recording was saved."""
        self._wake.set()

    def start(self) -> None:
        """Go on after a pause; try a back end again at once that takes nothing, or is busy."""
        self._paused = ""
        self._schedule.reset()
        self._receipts.collect_soon()
        self._wake.set()

    def pause(self, reason: str) -> None:
        """Let no recording leave until `start`."""
        self._paused = reason
        self._wake.set()

    async def request(self, recording: str, by: str) -> str | None:
        """Let the recording with this clip leave before all others, over the air if need be. One that was rejected is
        offered again. Why that cannot be, or None. Raises StorageError.
        """
        await self._look_at_card()
        found = self._find(recording)
        if found is None:
            ids = {clip.account.recording for clip in self._clips}
            return "it is still being recorded" if recording in ids else "there is no such recording on the card"
        progress = self._book.of(found)
        if progress.complete and not progress.refused:
            return "the back end has it already"
        await self._book.change(found, requested_by=by, refused="", complete=False)
        self._schedule.try_now(found)
        self._wake.set()
        return None

    async def retry(self, recording: str = "") -> list[str]:
        """Offer what was rejected again: the recording with this clip, or all. Returns which. Raises StorageError."""
        await self._look_at_card()
        again = [
            one
            for one in recordings_of(self._clips)
            if self._book.of(one).refused and (not recording or recording in _clip_ids(one))
        ]
        for one in again:
            await self._book.change(one, refused="", complete=False)
        self.start()
        return [one.id for one in again]

    @property
    def is_blocked(self) -> bool:
        """Whether the back end takes nothing until a person acts."""
        return bool(self._schedule.blocked)

    @property
    def has_rejected(self) -> bool:
        """Whether the back end has rejected a recording that is on the card."""
        return any(note.refused for note in self._book.all())

    def status(self) -> OffloadStatus:
        """How far it is."""
        plan = self._plan()
        return OffloadStatus(
            doing=self._doing,
            is_active=bool(self._active),
            blocked=self._schedule.blocked,
            recordings_left=len(plan.to_send),
            bytes_left=plan.bytes_left,
            awaiting_receipt=len(plan.to_confirm),
            refused={one.id: self._book.of(one).refused for one in plan.refused},
            rate_bps=self._speed.bps() if self._active else 0.0,
        )

    # -- one step after the other --------------------------------------------------------------------------------------

    async def _step_safely(self) -> None:
        """A step; what goes wrong in it unexpectedly must not end a camera that can still record."""
        try:
            await self._step()
        except Exception as error:
            self._doing = f"waits after an unexpected {type(error).__name__}: {error}"
            self._listener.on_note(f"offload {self._doing}")
            await self._sleep_until(self._clock.mono_s() + CARD_RETRY_S)

    async def _step(self) -> None:
        """Start what may leave, and wait until something changes."""
        self._wake.clear()
        await self._settle()
        gate = self._gate()
        if reason := self._reason_to_stop(gate):
            await self._stop_uploads()
            self._doing = f"waits: {reason}"
            await self._sleep_until(
                self._schedule.blocked_until_s if reason == self._schedule.blocked else gate.again_s
            )
            return
        try:
            await self._look_at_card()
        except StorageError as error:
            self._doing = f"waits: {error}"
            await self._sleep_until(self._clock.mono_s() + CARD_RETRY_S)
            return
        plan = self._plan(requested_only=bool(gate.reason))
        if gate.reason:
            await self._stop_uploads(but_requested=True)
        self._start_uploads(plan)
        if await self._collect_receipts(plan):
            return
        self._doing = self._describe(plan, gate)
        await self._sleep_until(self._next_look_s(plan, gate))

    def _reason_to_stop(self, gate: Gate) -> str:
        """Why nothing at all may leave; empty while something may."""
        return self._paused or ("" if gate.requested_may_leave else gate.reason) or self._schedule.blocked

    def _start_uploads(self, plan: Plan) -> None:
        """As many as may run at once; one that was requested does not wait for a place."""
        was_active = bool(self._active)
        for recording in plan.to_send:
            if recording.id in self._active or self._schedule.due_s(recording) > self._clock.mono_s():
                continue
            requested_by = self._book.of(recording).requested_by
            if len(self._active) < self._uploads + bool(requested_by):
                task = asyncio.create_task(self._deliver(recording), name=f"offload {recording.id}")
                self._active[recording.id] = _Transfer(recording, task, requested_by, self._clock.mono_s())
        if self._active and not was_active:
            self._listener.on_started(len(plan.to_send), plan.bytes_left)

    def _next_look_s(self, plan: Plan, gate: Gate) -> float | None:
        """When the next thing is due by itself, on the monotonic clock; None where nothing is."""
        due = [gate.again_s] if gate.again_s is not None else []
        if len(self._active) < self._uploads:
            due += [self._schedule.due_s(one) for one in plan.to_send if one.id not in self._active]
        if plan.to_confirm:
            due.append(self._receipts.due_s)
        return min(due, default=None)

    async def _stop_uploads(self, *, but_requested: bool = False) -> None:
        """Cut uploads short; in a fixed order, so that a simulated run is the same each time."""
        stopped = [one for one in self._active.values() if not (but_requested and one.requested_by)]
        for transfer in stopped:
            transfer.task.cancel()
            await asyncio.wait([transfer.task])

    async def _sleep_until(self, moment_s: float | None) -> None:
        """Sleep until woken, at most until that moment of the monotonic clock."""
        if moment_s is None:
            await self._wake.wait()
            return
        alarm = asyncio.create_task(self._ring_after(moment_s - self._clock.mono_s()), name="offload alarm")
        try:
            await self._wake.wait()
        finally:
            alarm.cancel()

    async def _ring_after(self, seconds: float) -> None:
        await self._clock.sleep(max(0.0, seconds))
        self._wake.set()

    # -- what comes of it ----------------------------------------------------------------------------------------------

    async def _deliver(self, recording: OutgoingRecording) -> None:
        """Bring a recording to the back end, as far as that is possible now."""
        try:
            await self._delivery.deliver(recording)
        finally:
            self._wake.set()

    async def _settle(self) -> None:
        """See to the uploads that have ended."""
        for name, transfer in list(self._active.items()):
            if transfer.task.done():
                del self._active[name]
                await self._conclude(transfer)

    async def _conclude(self, transfer: "_Transfer") -> None:
        """What comes of one upload. One that was cut short goes on the next time."""
        recording = transfer.recording
        if transfer.task.cancelled():
            return
        match transfer.task.exception():
            case None:
                self._schedule.worked()
                self._receipts.collect_soon()
                seconds = self._clock.mono_s() - transfer.began_s
                self._listener.on_offloaded(recording.id, recording.size_bytes, seconds, transfer.requested_by)
            case RejectedError() as error:
                await self._reject(recording, str(error), transfer.requested_by)
            case BlockedError() as error:
                self._block(str(error))
            case BusyError() as error:
                self._back_off(recording, error)
            case StorageError() | OffloadError() | EvidenceError() as error:
                self._postpone(recording, str(error))
            case BaseException() as error:
                self._postpone(recording, f"unexpected {type(error).__name__}: {error}")

    async def _reject(self, recording: OutgoingRecording, reason: str, requested_by: str) -> None:
        try:
            await self._book.change(recording, refused=reason, requested_by="")
        except StorageError as error:  # kept in memory: the next session asks the back end again
            self._listener.on_note(str(error))
        self._listener.on_failed(recording.id, reason, requested_by)

    def _block(self, reason: str) -> None:
        """Nothing leaves any more. Reported once, until it was tried again."""
        if self._schedule.block(reason):
            self._listener.on_failed("", reason, "")

    def _postpone(self, recording: OutgoingRecording, reason: str) -> None:
        self._schedule.postpone(recording)
        self._listener.on_note(f"offload of {recording.id} goes on later: {reason}")

    def _back_off(self, recording: OutgoingRecording, error: BusyError) -> None:
        self._schedule.back_off(recording, error)
        self._listener.on_note(f"offload of {recording.id} goes on later: {error}")

    async def _collect_receipts(self, plan: Plan) -> bool:
        """Ask for receipts, if it is time to. Whether anything may have changed."""
        try:
            return await self._receipts.collect(plan)
        except BlockedError as error:
            self._block(str(error))
        except (OffloadError, StorageError) as error:
            self._listener.on_note(f"receipts are fetched again later: {error}")
        return False

    # -- what is known -------------------------------------------------------------------------------------------------

    async def _look_at_card(self) -> None:
        self._clips = await self._worker.run(self._card.clips)
        await self._book.forget_gone({clip.account.recording for clip in self._clips})

    def _plan(self, *, requested_only: bool = False) -> Plan:
        return make_plan(self._clips, self._book.of, critical=self._critical, requested_only=requested_only)

    def _find(self, recording: str) -> OutgoingRecording | None:
        return next((one for one in recordings_of(self._clips) if recording in _clip_ids(one)), None)

    def _describe(self, plan: Plan, gate: Gate) -> str:
        if self._active:
            return f"offloads {', '.join(self._active)}"
        if gate.reason:
            return f"waits: {gate.reason}"
        if plan.to_send:
            return "waits: the back end is busy or out of reach; it is tried again"
        if plan.to_confirm:
            return "waits for receipts"
        return "done, but for what the back end rejected" if plan.refused else "done: every recording is confirmed"


@dataclass(frozen=True, slots=True)
class _Transfer:
    """A recording on its way."""

    recording: OutgoingRecording
    task: asyncio.Task[None]
    requested_by: str
    began_s: float


def _clip_ids(recording: OutgoingRecording) -> set[str]:
    return {clip.account.recording for clip in recording.clips}
