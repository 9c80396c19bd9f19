"""What every `Storage` does, real or simulated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts import account
from fragments import HEADER, fragment, stored
from lapel.errors import StorageError
from lapel.evidence.store import EvidenceStore
from lapel.hardware.interfaces import Storage
from lapel.recording import Account, Cause
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.storage import SimulatedStorage

BODIES = [fragment(number, media=b"media %d" % number).body for number in (1, 2, 3)]


@dataclass
class StorageCard:
    """A storage card: `insert` starts a camera session with it; `video` and `listing` read it from outside."""

    insert: Callable[[], Storage]
    video: Callable[[str], bytes]
    listing: Callable[[], list[Account]]


def folder_storage(root: Path, environment: Callable[[Storage], Storage]) -> Iterator[StorageCard]:
    sessions: list[EvidenceStore] = []

    def insert() -> Storage:
        for session in sessions:
            session.close()
        sessions.append(EvidenceStore(root, min_free_bytes=0))
        return environment(sessions[-1])

    reader = EvidenceStore(root)
    yield StorageCard(insert, lambda recording: reader.video(recording).read_bytes(), reader.listing)
    sessions[-1].close()


@pytest.fixture(params=["folder", "memory", "simulated memory", "simulated folder"])
def storage_card(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorageCard]:
    memory = MemoryStorage()
    if request.param == "folder":
        yield from folder_storage(tmp_path, lambda store: store)
    elif request.param == "simulated folder":
        yield from folder_storage(tmp_path, SimulatedStorage)
    elif request.param == "memory":
        yield StorageCard(lambda: memory, memory.video, memory.listing)
    else:
        yield StorageCard(lambda: SimulatedStorage(memory), memory.video, memory.listing)


def test_an_empty_storage_card_passes_the_check(storage_card: StorageCard) -> None:
    storage = storage_card.insert()
    storage.check()
    assert storage.free_bytes() > 0
    assert storage.recover() == []
    assert storage_card.listing() == []


def test_a_clip_is_listed_from_the_moment_it_is_created(storage_card: StorageCard) -> None:
    storage_card.insert().create(account()).close()
    assert storage_card.listing() == [account()]


def test_chunks_are_appended_to_the_video_in_order(storage_card: StorageCard) -> None:
    files = storage_card.insert().create(account())
    files.append(stored(HEADER, BODIES[0]))
    assert storage_card.video("clip-1") == HEADER + BODIES[0]
    files.append(stored(bytearray(BODIES[1]), BODIES[2]))
    assert storage_card.video("clip-1") == HEADER + b"".join(BODIES)
    files.close()


def test_a_clip_without_a_fragment_has_no_video(storage_card: StorageCard) -> None:
    storage_card.insert().create(account()).close()
    with pytest.raises(StorageError):
        storage_card.video("clip-1")


def test_the_account_is_replaced(storage_card: StorageCard) -> None:
    files = storage_card.insert().create(account())
    files.describe(account(frames=7))
    files.close()
    assert storage_card.listing() == [account(frames=7)]


def test_the_account_is_written_as_it_is_at_that_moment(storage_card: StorageCard) -> None:
    growing = account()
    files = storage_card.insert().create(growing)
    growing.frames = 7
    files.close()
    assert storage_card.listing() == [account()]


def test_an_id_is_used_once(storage_card: StorageCard) -> None:
    storage = storage_card.insert()
    files = storage.create(account())
    files.append(stored(HEADER, BODIES[0]))
    files.close()
    with pytest.raises(StorageError, match="id"):
        storage.create(account())
    assert storage_card.video("clip-1") == HEADER + BODIES[0]


def test_nothing_can_be_appended_to_a_closed_video(storage_card: StorageCard) -> None:
    files = storage_card.insert().create(account())
    files.append(stored(HEADER, BODIES[0]))
    files.close()
    files.close()
    with pytest.raises(StorageError):
        files.append(stored(BODIES[1]))
    assert storage_card.video("clip-1") == HEADER + BODIES[0]


def test_an_unfinished_clip_is_marked_interrupted_with_what_it_contains(storage_card: StorageCard) -> None:
    files = storage_card.insert().create(account())
    files.append(stored(HEADER, *BODIES, BODIES[0][:-3]))
    files.close()
    (found,) = storage_card.insert().recover()
    assert (found.recording, found.status) == ("clip-1", "interrupted")
    assert (found.fragments, found.frames, found.duration_s) == (3, 30, 3.0)
    assert found.video_bytes == len(HEADER) + sum(map(len, BODIES))
    assert found.torn_bytes == len(BODIES[0]) - 3
    assert found.end_time == "2026-11-24T07:00:03.000Z"
    assert found.stop is not None
    assert "lost" in found.stop.reason
    assert storage_card.listing() == [found]
    assert storage_card.video("clip-1") == HEADER + b"".join(BODIES) + BODIES[0][:-3]


def test_an_interrupted_clip_without_a_frame_has_no_start_time(storage_card: StorageCard) -> None:
    storage_card.insert().create(account()).close()
    (found,) = storage_card.insert().recover()
    assert (found.status, found.fragments, found.start_time, found.end_time) == ("interrupted", 0, None, None)


def test_recovery_happens_once_and_leaves_ended_clips_alone(storage_card: StorageCard) -> None:
    storage = storage_card.insert()
    storage.create(account("unfinished")).close()
    storage.create(account("whole", status="complete", stop=Cause("button"))).close()
    storage = storage_card.insert()
    assert [clip.recording for clip in storage.recover()] == ["unfinished"]
    assert storage.recover() == []
    assert {clip.recording: clip.status for clip in storage_card.listing()} == {
        "unfinished": "interrupted",
        "whole": "complete",
    }


def test_recovery_reports_how_much_of_an_unsaved_pre_event_part_is_there(storage_card: StorageCard) -> None:
    begun = account(
        start_time="2026-11-24T06:59:58.000Z", prebuffer_configured_s=5.0, prebuffer_saved=False
    )  # two seconds before the trigger
    files = storage_card.insert().create(begun)
    files.append(stored(HEADER, *BODIES))
    files.close()
    (found,) = storage_card.insert().recover()
    assert found.prebuffer_actual_s == 2.0
    assert found.prebuffer_shortfall is not None
