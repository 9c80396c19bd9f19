"""Collects the back end's receipts: fetched at growing intervals, checked, put on file. A bad one is on record."""

import hashlib

from lapel.clock import Clock
from lapel.errors import EvidenceError
from lapel.offload.interface import Destination, OutgoingRecording
from lapel.offload.listener import OffloadListener
from lapel.offload.plan import Plan
from lapel.offload.progress import ProgressBook
from lapel.outgoing import OutgoingClip, OutgoingRecordings
from lapel.worker import Worker

FIRST_WAIT_S, MOST_WAIT_S = 10.0, 600.0
"""Seconds between two questions for receipts: the first, and the longest. They double."""


class ReceiptCollector:
    """Asks for the receipts of recordings that are complete at the back end."""

    def __init__(
        self,
        destination: Destination,
        card: OutgoingRecordings,
        book: ProgressBook,
        worker: Worker,
        clock: Clock,
        listener: OffloadListener,
    ) -> None:
        self._destination, self._card, self._book = destination, card, book
        self._worker, self._clock, self._listener = worker, clock, listener
        self.due_s, self._wait_s = 0.0, FIRST_WAIT_S

    def collect_soon(self) -> None:
        """Look for receipts at once, and then often: a recording has just been completed, or a person waits."""
        self.due_s, self._wait_s = 0.0, FIRST_WAIT_S

    async def collect(self, plan: Plan) -> bool:
        """Fetch what is missing, if it is time to. Returns whether it was. Raises OffloadError, StorageError."""
        now_s = self._clock.mono_s()
        if not plan.to_confirm or now_s < self.due_s:
            return False
        self.due_s = now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, MOST_WAIT_S)
        for recording in plan.to_confirm:
            for clip in recording.clips:
                if not clip.is_confirmed:
                    await self._collect(recording, clip)
        return True

    async def _collect(self, recording: OutgoingRecording, clip: OutgoingClip) -> None:
        name = clip.account.recording
        line = await self._destination.receipt(recording, clip)
        if line is None:
            return
        try:
            back_end = await self._worker.run(lambda: self._card.confirm(name, line))
        except EvidenceError as error:
            await self._refuse(recording, name, line, str(error))
        else:
            self._listener.on_confirmed(name, back_end)

    async def _refuse(self, recording: OutgoingRecording, clip: str, line: bytes, reason: str) -> None:
        """Report it: once for each receipt that is different."""
        digest = hashlib.sha256(clip.encode() + line).hexdigest()
        seen = self._book.of(recording).refused_receipts
        if digest not in seen:
            await self._book.change(recording, refused_receipts=(*seen, digest)[-_REMEMBERED:])
            self._listener.on_receipt_refused(clip, reason)


_REMEMBERED = 20
"""Receipts that did not hold, kept per recording."""
