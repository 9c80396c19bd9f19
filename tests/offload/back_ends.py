"""A storage card and a back end in memory, for the offload engine in virtual time."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts import account
from lapel.clock import Clock
from lapel.errors import BusyError, EvidenceError, OffloadError
from lapel.link.backoff import Backoff
from lapel.offload.engine import Offloader
from lapel.offload.interface import Arrived, Item, OutgoingRecording, Part, Standing, Upload
from lapel.offload.listener import Gate
from lapel.offload.progress import MemoryNotes
from lapel.outgoing import OutgoingClip, StoredFile
from lapel.recording import Cause
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

PART_BYTES = 400_000


def clip(name: str, size_bytes: int = 1000, **changes: Any) -> OutgoingClip:
    """A clip that has ended."""
    changes = {"status": "complete", "stop": Cause("button"), "duration_s": 1.0, **changes}
    files = (StoredFile("video.mp4", size_bytes), StoredFile("manifest.jsonl", 300), StoredFile("recording.json", 200))
    return OutgoingClip(account(name, **changes), files)


class MemoryCard:
    """Implements `OutgoingRecordings`. A receipt is the clip's id in bytes."""

    def __init__(self, *clips: OutgoingClip) -> None:
        self.on_card = list(clips)
        self.confirmed: dict[str, bytes] = {}
        self.read_back: list[str] = []
        self.reads: list[tuple[str, str, int]] = []

    def clips(self) -> list[OutgoingClip]:
        return [
            OutgoingClip(one.account, one.files, one.wrapped_keys, one.account.recording in self.confirmed)
            for one in self.on_card
        ]

    def read(self, recording: str, name: str, offset: int, length: int) -> bytes:
        self.reads.append((recording, name, offset))
        (one,) = (one for one in self.on_card if one.account.recording == recording)
        (size,) = (file.size_bytes for file in one.files if file.name == name)
        return content(recording, name, size)[offset : offset + length]

    def confirm(self, recording: str, receipt: bytes) -> str:
        if receipt != recording.encode():
            raise EvidenceError(f"the receipt is for another recording, {receipt.decode()}")
        self.confirmed[recording] = receipt
        return "Store"

    def note_read_back(self, recording: str, where: str) -> None:
        self.read_back.append(recording)


def content(recording: str, name: str, size_bytes: int) -> bytes:
    """What a file of the card holds."""
    seed = hashlib.sha256(f"{recording}/{name}".encode()).digest()
    return (seed * (size_bytes // len(seed) + 1))[:size_bytes]


@dataclass
class MemoryDestination:
    """Implements `Destination`; long files go in parts. `fail` is called before each step, and may raise."""

    clock: Clock
    fail: Callable[[str], None] = lambda _: None
    bytes_per_s: float = 1e6
    gives_receipts: bool = True
    name: str = "memory"
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, list[bytes]] = field(default_factory=dict)
    complete: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    received_bytes: int = 0
    receipts: dict[str, bytes] = field(default_factory=dict)
    is_closed: bool = False
    gives_back: Callable[[str, bytes], bytes] | None = None

    async def begin(self, recording: OutgoingRecording) -> Standing:
        self._step(f"begin {recording.id}")
        if recording.id in self.complete:
            return "complete"
        return "begun" if any(key.startswith(f"{recording.id}/") for key in (*self.objects, *self.parts)) else "new"

    async def send(self, recording: OutgoingRecording, upload: Upload) -> None:
        key = f"{recording.id}/{upload.item.key}"
        self._step(f"send {upload.item.key}")
        arrived = upload.arrived
        kept = self.parts.setdefault(key, [])
        del kept[len(arrived.parts) :]
        while arrived.size_bytes < upload.item.size_bytes:
            length = min(PART_BYTES, upload.item.size_bytes - arrived.size_bytes)
            part = b""
            async for piece in upload.pieces(arrived.size_bytes, length):
                await self.clock.sleep(len(piece) / self.bytes_per_s)
                self.received_bytes += len(piece)
                part += piece
            self._step(f"part {upload.item.key}")
            kept.append(part)
            arrived = Arrived(parts=(*arrived.parts, Part(length, "")))
            await upload.save(arrived)
        assert self.gives_back or key not in self.objects, f"{key} is sent twice"
        self.objects[key] = b"".join(kept)
        await upload.save(Arrived(whole=True))

    async def finish(self, recording: OutgoingRecording, arrived: Mapping[str, Arrived]) -> None:
        self._step(f"finish {recording.id}")
        assert all(one.whole for one in arrived.values())
        assert recording.id not in self.complete, "complete is declared once"
        self.complete.append(recording.id)
        if self.gives_receipts:
            self.receipts.update({one.account.recording: one.account.recording.encode() for one in recording.clips})

    async def receipt(self, recording: OutgoingRecording, clip: OutgoingClip) -> bytes | None:
        self._step(f"receipt {clip.account.recording}")
        return self.receipts.get(clip.account.recording)

    def read_back(self, recording: OutgoingRecording, item: Item) -> AsyncIterator[bytes] | None:
        if self.gives_back is None:
            return None
        return _pieces(self.gives_back(item.key, self.objects[f"{recording.id}/{item.key}"]))

    async def close(self) -> None:
        self.is_closed = True

    def _step(self, step: str) -> None:
        self.steps.append(step)
        self.fail(step)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


class Fails:
    """Raises an error at a step, the first `times` times."""

    def __init__(self, step: str, error: OffloadError, times: int = 1) -> None:
        self.step, self.error, self.left = step, error, times

    def __call__(self, step: str) -> None:
        if step.startswith(self.step) and self.left:
            self.left -= 1
            raise self.error


class Recorder:
    """Implements `OffloadListener`: keeps what is reported."""

    def __init__(self) -> None:
        self.reports: list[tuple[Any, ...]] = []

    def on_started(self, recordings: int, size_bytes: int) -> None:
        self.reports.append(("started", recordings))

    def on_offloaded(self, recording: str, size_bytes: int, seconds: float, requested_by: str) -> None:
        self.reports.append(("offloaded", recording, requested_by))

    def on_confirmed(self, clip: str, back_end: str) -> None:
        self.reports.append(("confirmed", clip))

    def on_receipt_refused(self, clip: str, reason: str) -> None:
        self.reports.append(("receipt-refused", clip, reason))

    def on_failed(self, recording: str, reason: str, requested_by: str) -> None:
        self.reports.append(("failed", recording, reason))

    def on_note(self, text: str) -> None:
        self.reports.append(("note", text))

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [one[1:] for one in self.reports if one[0] == kind]


class Half:
    """Back-off without chance: 1, 2, 4 … 60 s."""

    def uniform(self, least: float, most: float) -> float:
        return most


@dataclass
class Rig:
    """An engine with everything around it."""

    clock: VirtualClock
    card: MemoryCard
    destination: MemoryDestination
    notes: MemoryNotes
    listener: Recorder
    engine: Offloader
    gate: Gate = field(default_factory=Gate)


Steps = Callable[[Rig], Coroutine[Any, Any, None]]


def run_engine(steps: Steps, *clips: OutgoingClip, notes: MemoryNotes | None = None, **options: Any) -> Rig:
    """Run an engine in virtual time while `steps` are carried out. `options`: of the engine, or of the destination."""
    own = {key: options.pop(key) for key in ("fail", "bytes_per_s", "gives_receipts", "gives_back") if key in options}

    async def program(clock: VirtualClock) -> Rig:
        rig = make_rig(clock, MemoryCard(*clips), MemoryDestination(clock, **own), notes or MemoryNotes(), options)
        await drive(rig, steps)
        return rig

    return run_virtual(program)


def make_rig(
    clock: VirtualClock, card: MemoryCard, destination: MemoryDestination, notes: MemoryNotes, options: dict[str, Any]
) -> Rig:
    listener = Recorder()
    rig: Rig
    engine = Offloader(
        destination,
        card,
        notes,
        clock=clock,
        worker=InlineWorker(),
        waits=Backoff(Half()),  # type: ignore[arg-type]
        listener=listener,
        gate=lambda: rig.gate,
        **options,
    )
    rig = Rig(clock, card, destination, notes, listener, engine)
    return rig


async def drive(rig: Rig, steps: Steps) -> None:
    """Run the engine until `steps` are done."""
    await rig.engine.load()
    running = asyncio.create_task(rig.engine.run())
    try:
        await steps(rig)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def a_while(rig: Rig) -> None:
    """Long enough for everything that needs no waiting."""
    await rig.clock.sleep(30)


BUSY = BusyError("the back end is busy")
