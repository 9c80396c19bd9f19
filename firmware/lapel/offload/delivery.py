"""Brings one recording to the back end: begin, send what has not arrived, read back where that is wanted, finish."""

import hashlib
from collections.abc import AsyncIterator

from lapel.clock import Clock
from lapel.errors import BusyError, StorageError
from lapel.offload.contents import items_of
from lapel.offload.interface import Arrived, Destination, Item, OutgoingRecording
from lapel.offload.progress import ProgressBook
from lapel.offload.throttle import Throttle
from lapel.outgoing import OutgoingRecordings
from lapel.worker import Worker

PIECE_BYTES = 1024 * 1024
"""How much of a file is in memory, per upload. With a quarter of it uploads were a fifth slower (x86, loopback)."""
_SPEED_OVER_S = 10.0


class Delivery:
    """Sends recordings, one call for each. What has arrived is noted on disk step by step."""

    def __init__(
        self,
        destination: Destination,
        card: OutgoingRecordings,
        book: ProgressBook,
        worker: Worker,
        throttle: Throttle,
        speed: "Speed",
        *,
        reads_back: bool,
    ) -> None:
        """`reads_back`: compare what the back end has with the card before a recording is declared complete."""
        self._destination, self._card, self.book = destination, card, book
        self._worker, self._throttle, self._speed = worker, throttle, speed
        self._reads_back = reads_back

    async def deliver(self, recording: OutgoingRecording) -> None:
        """Bring a recording to the back end. Raises OffloadError, StorageError."""
        standing = await self._destination.begin(recording)
        items = {} if standing == "new" else self.book.of(recording).items
        await self.book.change(recording, destination=self._destination.name, items=items)
        if standing != "complete":
            await self._send(recording, items_of(recording))
        await self.book.change(recording, complete=True, requested_by="")

    async def _send(self, recording: OutgoingRecording, items: list[Item]) -> None:
        for item in items:
            if not self.book.arrived(recording, item).whole:
                await self._destination.send(recording, ItemUpload(self, recording, item))
        if self._reads_back:
            await self._read_back(recording, items)
        await self._destination.finish(recording, {item.key: self.book.arrived(recording, item) for item in items})

    async def read(self, item: Item, offset: int, length: int) -> bytes:
        """Bytes of an item. Raises StorageError when the card does not give any."""
        if item.content is not None:
            return item.content[offset : offset + length]
        name = item.clip.account.recording
        piece = await self._worker.run(lambda: self._card.read(name, item.name, offset, length))
        if not piece:
            raise StorageError(f"{item.key}: has become shorter while it was sent; find out which program did it")
        return piece

    @property
    def sent_bytes(self) -> int:
        """How much is sent at a time."""
        return self._throttle.piece_bytes

    async def permit(self, size_bytes: int) -> None:
        """Wait until so many bytes may be sent."""
        await self._throttle.take(size_bytes)
        self._speed.count(size_bytes)

    async def _read_back(self, recording: OutgoingRecording, items: list[Item]) -> None:
        """Raises BusyError for an item that the back end has changed; it is sent again."""
        for item in items:
            pieces = self._destination.read_back(recording, item)
            if pieces is None:
                return
            theirs = hashlib.sha256()
            async for piece in pieces:
                theirs.update(piece)
            if theirs.digest() != await self._digest(item):
                kept = {key: one for key, one in self.book.of(recording).items.items() if key != item.key}
                await self.book.change(recording, items=kept)
                raise BusyError(f"{item.key}: reads back changed; it is sent again")
        for clip in recording.clips:
            name = clip.account.recording
            await self._worker.run(lambda name=name: self._card.note_read_back(name, self._destination.name))  # type: ignore[misc]

    async def _digest(self, item: Item) -> bytes:
        digest, offset = hashlib.sha256(), 0
        while offset < item.size_bytes:
            piece = await self.read(item, offset, min(PIECE_BYTES, item.size_bytes - offset))
            digest.update(piece)
            offset += len(piece)
        return digest.digest()


class ItemUpload:
    """One item on its way. Implements `Upload`."""

    def __init__(self, delivery: Delivery, recording: OutgoingRecording, item: Item) -> None:
        self._delivery, self._recording, self._item = delivery, recording, item

    @property
    def item(self) -> Item:
        """See `Upload.item`."""
        return self._item

    @property
    def arrived(self) -> Arrived:
        """See `Upload.arrived`."""
        return self._delivery.book.arrived(self._recording, self._item)

    async def pieces(self, start: int, length: int) -> AsyncIterator[bytes]:
        """See `Upload.pieces`."""
        end = start + length
        while start < end:
            piece = await self._delivery.read(self._item, start, min(PIECE_BYTES, end - start))
            start += len(piece)
            for at in range(0, len(piece), self._delivery.sent_bytes):
                sent = piece[at : at + self._delivery.sent_bytes]
                await self._delivery.permit(len(sent))
                yield sent

    async def save(self, arrived: Arrived) -> None:
        """See `Upload.save`."""
        book = self._delivery.book
        await book.change(self._recording, items={**book.of(self._recording).items, self._item.key: arrived})


class Speed:
    """Bits per second over the last seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counted: list[tuple[float, int]] = []

    def count(self, size_bytes: int) -> None:
        """So many bytes leave now."""
        self._counted = [*self._recent(), (self._clock.mono_s(), size_bytes)]

    def bps(self) -> float:
        """The speed since the first piece that counts, which itself left before that."""
        recent = self._recent()
        if len(recent) < 2:
            return 0.0
        return 8 * sum(size for _, size in recent[1:]) / max(1.0, self._clock.mono_s() - recent[0][0])

    def _recent(self) -> list[tuple[float, int]]:
        now_s = self._clock.mono_s()
        return [(at_s, size) for at_s, size in self._counted if now_s - at_s < _SPEED_OVER_S]
