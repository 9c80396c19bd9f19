"""The camera's side of offload: when recordings may leave, and what is reported about it.

In its dock the camera first charges, then waits for its clock, then offloads: in that order, since an upload must not
empty the battery, and a token or a certificate needs the right time. What a command requests leaves over the air too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lapel.clock import Clock
from lapel.config import OffloadSection
from lapel.errors import StorageError
from lapel.hardware.interfaces import Battery, Thresholds
from lapel.link import event_details as detail
from lapel.link.backoff import Backoff
from lapel.link.messages import Command, Reply
from lapel.offload.configured import critical_words
from lapel.offload.engine import Offloader
from lapel.offload.interface import Destination
from lapel.offload.listener import Gate, OffloadStatus
from lapel.offload.progress import ProgressNotes
from lapel.offload.throttle import Throttle
from lapel.outgoing import OutgoingRecordings
from lapel.randomness import RandomSource
from lapel.reporter import Reporter
from lapel.states import State
from lapel.worker import Worker

CLOCK_WAIT_S = 300.0
"""Seconds in the dock after which the camera offloads with a clock that was never set: evidence on a card that can be
lost is worse than a wrong time in a log. Times of recordings are not affected.
"""
NOT_CONFIGURED = "no destination is configured; see [offload]"
_AT_COMMAND = 'it waits for `offload start`, as [offload] when = "command" says'
_CLOCK_EVERY_S = 15.0
_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class OffloadParts:
    """What offload needs beside the camera."""

    destination: Destination
    card: OutgoingRecordings
    notes: ProgressNotes
    throttle: Throttle | None = None


class OffloadWatch:
    """Offload of one camera. Implements `OffloadListener`. Without `parts` nothing leaves."""

    __slots__ = (
        "_answered", "_battery", "_clock", "_clock_warned", "_destination", "_docked_s", "_engine", "_has_loaded",
        "_is_started", "_reporter", "_section", "_state", "_unfinished", "_update_flags",
    )  # fmt: skip

    def __init__(
        self,
        parts: OffloadParts | None,
        section: OffloadSection,
        worker: Worker,
        clock: Clock,
        rng: RandomSource,
        reporter: Reporter,
        battery: Battery | None,
        *,
        state: Callable[[], State],
        update_flags: Callable[[], None],
    ) -> None:
        """`state`: that of the camera. `update_flags`: publish the flags if they have changed."""
        self._section, self._clock, self._reporter, self._battery = section, clock, reporter, battery
        self._state, self._update_flags = state, update_flags
        self._is_started = self._clock_warned = self._has_loaded = False
        self._answered: frozenset[str] = frozenset()
        self._docked_s = clock.mono_s()
        self._unfinished: list[Reply] = []
        self._destination = parts.destination.name if parts is not None else ""
        self._engine: Offloader | None = None
        if parts is not None:
            self._engine = Offloader(
                parts.destination,
                parts.card,
                parts.notes,
                clock=clock,
                worker=worker,
                waits=Backoff(rng),
                listener=self,
                gate=self._gate,
                throttle=parts.throttle,
                uploads=section.uploads,
                critical=critical_words(section),
                reads_back=section.read_back != "no",
            )

    @property
    def destination(self) -> str:
        """Where recordings go; empty without a destination."""
        return self._destination

    @property
    def is_configured(self) -> bool:
        """Whether there is a destination."""
        return self._engine is not None

    async def run(self) -> None:
        """Offload until cancelled; ends at once without a destination."""
        if self._engine is not None:
            await self._engine.load()
            self._has_loaded = True
            self._answer_unfinished()
            await self._engine.run()

    async def watch_battery(self) -> None:
        """Look again when the battery has enough charge, or charging begins or ends. Ends only when cancelled."""
        while self._battery is not None and self._engine is not None:
            await self._battery.crossed(Thresholds(percent=(self._section.min_charge_percent,)))
            self._engine.look()

    # -- from the camera -----------------------------------------------------------------------------------------------

    def on_state(self, state: State) -> None:
        """The camera is in another state."""
        if state is State.DOCKED:
            self._docked_s = self._clock.mono_s()
            if self._section.when != "command" and self._engine is not None:
                self._engine.start()
        if self._engine is not None:
            self._engine.look()

    def on_saved(self) -> None:
        """A recording has ended."""
        if self._engine is not None:
            self._engine.look()

    async def carry_out(self, command: Command) -> None:
        """The command `offload`: one recording, before all others. The final reply follows when it has arrived."""
        if self._engine is None:
            refusal: str | None = NOT_CONFIGURED
        elif not command.recording:
            refusal = "name the recording in the field `recording`"
        else:
            try:
                refusal = await self._engine.request(command.recording, command.id)
            except StorageError as error:
                refusal = str(error)
        if refusal is not None:
            self._reporter.announce(f"refused offload: {refusal}", "warning")
            self._reporter.emit(detail.Refused(event="offload", source="command", reason=refusal))
            self._reporter.reply(command.id, "offload", "refused", refusal)

    def resume(self, reply: Reply) -> None:
        """A command that an earlier session accepted: it goes on, if that session had noted it."""
        self._unfinished.append(reply)
        if self._has_loaded:
            self._answer_unfinished()

    def status(self) -> OffloadStatus | None:
        """How far it is; None without a destination."""
        return self._engine.status() if self._engine is not None else None

    def flags(self) -> Sequence[str]:
        """Of the state message."""
        if self._engine is None:
            return ()
        return ["offload-blocked"] * self._engine.is_blocked + ["offload-rejected"] * self._engine.has_rejected

    # -- from the console ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, or go on."""
        self._is_started = True
        if self._engine is not None:
            self._engine.start()

    def pause(self, reason: str) -> None:
        """Let nothing leave until `start`, or until the next time in the dock."""
        self._is_started = False
        if self._engine is not None:
            self._engine.pause(f"paused: {reason}" if reason else "paused")

    async def retry(self, recording: str) -> list[str]:
        """Offer what was rejected again; all, where `recording` is empty. Returns which. Raises StorageError."""
        return await self._engine.retry(recording) if self._engine is not None else []

    # -- from the engine -----------------------------------------------------------------------------------------------

    def on_started(self, recordings: int, size_bytes: int) -> None:
        """See `OffloadListener`."""
        self._reporter.announce(f"offload: {recordings} recordings, {size_bytes / _MEGABYTE:.1f} MB to send")
        self._reporter.emit(detail.OffloadStarted(recordings=recordings, bytes=size_bytes))

    def on_offloaded(self, recording: str, size_bytes: int, seconds: float, requested_by: str) -> None:
        """See `OffloadListener`."""
        self._reporter.announce(f"offloaded {recording}: {size_bytes / _MEGABYTE:.1f} MB in {seconds:.0f} s")
        self._reporter.emit(detail.RecordingOffloaded(recording=recording, bytes=size_bytes, seconds=seconds))
        if requested_by:
            self._answered |= {requested_by}
            self._reporter.reply(requested_by, "offload", "done", recording=recording)

    def on_confirmed(self, clip: str, back_end: str) -> None:
        """See `OffloadListener`."""
        self._reporter.announce(f"confirmed {clip}: {back_end} has imported it")
        self._reporter.emit(detail.RecordingConfirmed(recording=clip, back_end=back_end))

    def on_receipt_refused(self, clip: str, reason: str) -> None:
        """See `OffloadListener`."""
        self._reporter.announce(f"a receipt for {clip} is refused: {reason}", "error")
        self._reporter.emit(detail.ReceiptRefused(recording=clip, reason=reason))

    def on_failed(self, recording: str, reason: str, requested_by: str) -> None:
        """See `OffloadListener`."""
        self._reporter.announce(f"offload of {recording or 'recordings'} failed: {reason}", "error")
        self._reporter.emit(detail.OffloadFailed(recording=recording, reason=reason))
        if requested_by:
            self._answered |= {requested_by}
            self._reporter.reply(requested_by, "offload", "failed", reason, recording=recording)
        self._update_flags()

    def on_note(self, text: str) -> None:
        """See `OffloadListener`."""
        self._reporter.announce(text, "warning")

    # -- when ----------------------------------------------------------------------------------------------------------

    def _gate(self) -> Gate:
        state = self._state()
        if state in (State.OFF, State.BOOTING):
            return Gate("the camera is starting or switching off", requested_may_leave=False)
        if not self._is_started and self._section.when == "command":
            return Gate(_AT_COMMAND)
        if not self._is_started and self._section.when == "docked" and state is not State.DOCKED:
            return Gate("the camera is not in its dock")
        reason = self._reason_to_wait()
        return Gate(reason, again_s=self._clock.mono_s() + _CLOCK_EVERY_S if reason else None)

    def _reason_to_wait(self) -> str:
        """Why a camera that may offload does not do it yet: charge, clock, then offload."""
        charge = self._battery.charge() if self._battery is not None else None
        least = self._section.min_charge_percent
        if charge is not None and charge.percent < least and not charge.charging:
            return f"it charges first: {charge.percent:.0f} % of {least:.0f} % are there, and the dock gives no power"
        return self._reason_of_clock()

    def _reason_of_clock(self) -> str:
        if self._clock.quality() != "unsynced":
            return ""
        if self._clock.mono_s() - self._docked_s < CLOCK_WAIT_S:
            return f"its clock is not set yet; after {CLOCK_WAIT_S / 60:.0f} minutes it offloads all the same"
        if not self._clock_warned:
            self._clock_warned = True
            self._reporter.announce("offload with a clock that is not set: times in its log are wrong", "warning")
        return ""

    def _answer_unfinished(self) -> None:
        """Fail the commands that no note knows, and that were not answered since the start."""
        known = self._answered | (self._engine.unanswered_commands() if self._engine is not None else set())
        for reply in self._unfinished:
            if reply.id not in known:
                self._reporter.reply(reply.id, "offload", "failed", "the camera restarted before it was done")
        self._unfinished.clear()
