"""What every `Storage` does, real or simulated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts import account
from fragments import HEADER, fragment
from lapel.errors import StorageError
from lapel.evidence.store import EvidenceStore
from lapel.hardware.interfaces import Storage
from lapel.recording import Account, Cause
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.storage import SimulatedStorage

BODIES = [fragment(number, media=b"media %d" % number).body for number in (1, 2, 3)]


@dataclass
class Card:
    """A card, the camera session that has it, and a look at what is on it from outside."""

    insert: Callable[[], Storage]
    video: Callable[[str], bytes]
    listing: Callable[[], list[Account]]


def folder_card(root: Path, environment: Callable[[Storage], Storage]) -> Iterator[Card]:
    sessions: list[EvidenceStore] = []

    def insert() -> Storage:
        for session in sessions:
            session.close()
        sessions.append(EvidenceStore(root, min_free_bytes=0))
        return environment(sessions[-1])

    reader = EvidenceStore(root)
    yield Card(insert, lambda recording: reader.video(recording).read_bytes(), reader.listing)
    sessions[-1].close()


@pytest.fixture(params=["folder", "memory", "simulated memory", "simulated folder"])
def card(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Card]:
    memory = MemoryStorage()
    if request.param == "folder":
        yield from folder_card(tmp_path, lambda store: store)
    elif request.param == "simulated folder":
        yield from folder_card(tmp_path, SimulatedStorage)
    elif request.param == "memory":
        yield Card(lambda: memory, memory.video, memory.listing)
    else:
        yield Card(lambda: SimulatedStorage(memory), memory.video, memory.listing)


def test_an_empty_card_is_fit_to_record(card: Card) -> None:
    storage = card.insert()
    storage.check()
    assert storage.free_bytes() > 0
    assert storage.recover() == []
    assert card.listing() == []


def test_a_clip_is_listed_from_the_moment_it_is_created(card: Card) -> None:
    card.insert().create(account()).close()
    assert card.listing() == [account()]


def test_chunks_become_the_video_in_their_order(card: Card) -> None:
    files = card.insert().create(account())
    files.append([HEADER, BODIES[0]])
    assert card.video("clip-1") == HEADER + BODIES[0]
    files.append([bytearray(BODIES[1]), BODIES[2]])
    assert card.video("clip-1") == HEADER + b"".join(BODIES)
    files.close()


def test_a_clip_without_a_fragment_has_no_video(card: Card) -> None:
    card.insert().create(account()).close()
    with pytest.raises(StorageError):
        card.video("clip-1")


def test_the_account_is_replaced(card: Card) -> None:
    files = card.insert().create(account())
    files.describe(account(frames=7))
    files.close()
    assert card.listing() == [account(frames=7)]


def test_the_account_is_taken_as_it_is_at_that_moment(card: Card) -> None:
    growing = account()
    files = card.insert().create(growing)
    growing.frames = 7
    files.close()
    assert card.listing() == [account()]


def test_an_id_is_used_once(card: Card) -> None:
    storage = card.insert()
    files = storage.create(account())
    files.append([HEADER, BODIES[0]])
    files.close()
    with pytest.raises(StorageError, match="id"):
        storage.create(account())
    assert card.video("clip-1") == HEADER + BODIES[0]


def test_a_closed_video_takes_no_more(card: Card) -> None:
    files = card.insert().create(account())
    files.append([HEADER, BODIES[0]])
    files.close()
    files.close()
    with pytest.raises(StorageError):
        files.append([BODIES[1]])
    assert card.video("clip-1") == HEADER + BODIES[0]


def test_what_was_left_unfinished_is_marked_interrupted_with_what_it_holds(card: Card) -> None:
    files = card.insert().create(account())
    files.append([HEADER, *BODIES, BODIES[0][:-3]])
    files.close()
    (found,) = card.insert().recover()
    assert (found.recording, found.status) == ("clip-1", "interrupted")
    assert (found.fragments, found.frames, found.duration_s) == (3, 30, 3.0)
    assert found.video_bytes == len(HEADER) + sum(map(len, BODIES))
    assert found.torn_bytes == len(BODIES[0]) - 3
    assert found.end_time == "2026-11-24T07:00:03.000Z"
    assert found.stop is not None
    assert "lost" in found.stop.reason
    assert card.listing() == [found]
    assert card.video("clip-1") == HEADER + b"".join(BODIES) + BODIES[0][:-3]


def test_an_interrupted_clip_that_never_got_a_picture_says_so(card: Card) -> None:
    card.insert().create(account()).close()
    (found,) = card.insert().recover()
    assert (found.status, found.fragments, found.start_time, found.end_time) == ("interrupted", 0, None, None)


def test_recovery_happens_once_and_spares_what_ended(card: Card) -> None:
    storage = card.insert()
    storage.create(account("unfinished")).close()
    storage.create(account("whole", status="complete", stop=Cause("button"))).close()
    storage = card.insert()
    assert [one.recording for one in storage.recover()] == ["unfinished"]
    assert storage.recover() == []
    assert {one.recording: one.status for one in card.listing()} == {"unfinished": "interrupted", "whole": "complete"}


def test_of_an_unsaved_pre_event_part_recovery_tells_what_is_there(card: Card) -> None:
    begun = account(
        start_time="2026-11-24T06:59:58.000Z", prebuffer_configured_s=5.0, prebuffer_saved=False
    )  # two seconds before the trigger
    files = card.insert().create(begun)
    files.append([HEADER, *BODIES])
    files.close()
    (found,) = card.insert().recover()
    assert found.prebuffer_actual_s == 2.0
    assert found.prebuffer_shortfall is not None
