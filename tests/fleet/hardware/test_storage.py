import errno

import pytest

from accounts import account
from fragments import HEADER, fragment, stored
from lapel.clock import Instant, Quality, SystemClock
from lapel.errors import StorageError
from lapel.worker import InlineWorker
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.storage import SimulatedStorage, StorageOperation, StorageWorker

BODY = fragment(1).body


class RecordingClock:
    """Records the requested sleeps, and returns at once."""

    def __init__(self) -> None:
        self.slept_s: list[float] = []

    def mono_s(self) -> float:
        return sum(self.slept_s)

    def now(self) -> Instant:
        return SystemClock().now()

    def is_trusted(self) -> bool:
        return True

    def quality(self) -> Quality:
        return "unknown"

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)


def test_a_full_card_refuses_recordings_until_there_is_room() -> None:
    card = SimulatedStorage()
    card.fill()
    assert card.free_bytes() == 0
    with pytest.raises(StorageError, match="full"):
        card.check()
    with pytest.raises(StorageError, match="full"):
        card.create(account())
    card.make_room()
    card.check()
    card.create(account()).close()


def test_a_write_that_does_not_fit_fails_and_nothing_of_it_is_kept() -> None:
    memory = MemoryStorage()
    card = SimulatedStorage(memory)
    files = card.create(account())
    files.append(stored(HEADER, BODY))
    card.fill(room_bytes=len(BODY) + 10)
    files.append(stored(BODY))
    with pytest.raises(StorageError, match="full"):
        files.append(stored(BODY))
    card.make_room()
    with pytest.raises(StorageError, match="accepts no more"):
        files.append(stored(BODY))
    assert memory.video("clip-1") == HEADER + BODY + BODY


def test_a_first_write_that_does_not_fit_leaves_no_video() -> None:
    memory = MemoryStorage()
    card = SimulatedStorage(memory)
    files = card.create(account())
    card.fill(room_bytes=10)
    with pytest.raises(StorageError, match="full"):
        files.append(stored(HEADER, BODY))
    with pytest.raises(StorageError, match="no video"):
        memory.video("clip-1")


def test_writes_fail_with_the_given_error_until_mended() -> None:
    card = SimulatedStorage()
    files = card.create(account())
    card.fail_writes(OSError(errno.EIO, "failed"))
    with pytest.raises(StorageError, match="the disk failed"):
        files.describe(account())
    with pytest.raises(StorageError, match="the disk failed"):
        card.recover()
    card.read_only()
    with pytest.raises(StorageError, match="read-only"):
        card.check()
    card.mend()
    card.check()
    files.describe(account(frames=1))


def test_the_history_holds_each_operation_and_its_error() -> None:
    card = SimulatedStorage()
    files = card.create(account())
    files.append(stored(HEADER, BODY))
    card.read_only()
    with pytest.raises(StorageError) as refusal:
        files.describe(account())
    assert card.history == [
        StorageOperation("create", "clip-1"),
        StorageOperation("append", "clip-1", len(HEADER + BODY)),
        StorageOperation("describe", "clip-1", error=str(refusal.value)),
    ]


async def test_a_slow_card_makes_its_worker_wait_on_the_injected_clock() -> None:
    card, clock = SimulatedStorage(), RecordingClock()
    worker = StorageWorker(InlineWorker(), clock, card)
    files = await worker.run(lambda: card.create(account()))
    card.slow(bytes_per_s=100)
    await worker.run(lambda: files.append(stored(bytes(250))))
    card.slow(None)
    await worker.run(lambda: files.append(stored(bytes(250))))
    assert clock.slept_s == [2.5]


def test_a_swapped_card_is_empty_without_faults_and_the_old_one_keeps_its_clips() -> None:
    old, new = MemoryStorage(), MemoryStorage()
    card = SimulatedStorage(old)
    card.create(account("clip-1")).append(stored(HEADER, BODY))
    card.fill()
    card.read_only()
    card.swap(new)
    card.check()
    card.create(account("clip-2")).append(stored(HEADER, BODY))
    assert [one.recording for one in old.listing()] == ["clip-1"]
    assert [one.recording for one in new.listing()] == ["clip-2"]
