"""A card that is really full, or really read-only: a small tmpfs. Needs root; LAPEL_REAL=1 makes it a must."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accounts import account
from fragments import HEADER, fragment, instant, media_in, stored
from lapel.clock import SystemClock
from lapel.errors import StorageError
from lapel.evidence.store import EvidenceStore
from lapel.fragment import Fragment
from lapel.hardware.interfaces import PreEvent
from lapel.media.notices import Failed, Lost, Notice, PreEventSaved, Started
from lapel.media.recorder import Identity, Recorder
from lapel.recording import Cause
from lapel.worker import ThreadWorker
from system.cards import card, mount


@pytest.fixture(name="card")
def one_megabyte(tmp_path: Path) -> Iterator[Path]:
    with card(tmp_path, "1m"):
        yield tmp_path


def heavy(number: int) -> Fragment:
    return fragment(number, media=b"%04d" % number + bytes(99_996))


def test_a_full_card_takes_its_last_account_and_leaves_no_torn_tail(card: Path) -> None:
    store = EvidenceStore(card, min_free_bytes=0)
    store.check()
    files = store.create(account())
    files.append(stored(HEADER, heavy(1).body))
    with pytest.raises(StorageError, match=r"video\.mp4: the disk is full; offload"):
        files.append(stored(*(heavy(number).body for number in range(2, 20))))
    with pytest.raises(StorageError, match="accepts no more"):
        files.append(stored(b"x"))
    with (card / "other").open("wb") as other, pytest.raises(OSError, match="No space left"):
        other.write(bytes(2_000_000))  # another program fills the card to its last block
    files.describe(account(status="failed"))
    files.close()
    assert [one.status for one in store.listing()] == ["failed"]
    assert store.recover() == []
    assert media_in(store.video("clip-1").read_bytes()) == [heavy(1).body[-100_000:]]
    store.close()


def test_too_little_room_is_no_room(card: Path) -> None:
    store = EvidenceStore(card, min_free_bytes=2_000_000)
    with pytest.raises(StorageError, match=r"full \(1.0 MB free, 2.0 MB needed to begin\)"):
        store.check()
    store.close()


def test_a_read_only_card_is_reported_until_it_is_writable_again(card: Path) -> None:
    first = EvidenceStore(card, min_free_bytes=0)
    first.create(account(status="complete")).close()
    first.close()
    mount("-o", "remount,ro", str(card))
    store = EvidenceStore(card, min_free_bytes=0)
    refusals: list[Callable[[], object]] = [store.check, store.recover, lambda: store.create(account("clip-2"))]
    for refused in refusals:
        with pytest.raises(StorageError, match=f"^{card}: is on a read-only disk; remount it writable"):
            refused()
    assert [one.recording for one in store.listing()] == ["clip-1"]
    mount("-o", "remount,rw", str(card))
    store.check()
    store.close()


async def test_a_recording_that_fills_the_card_is_failed_and_every_lost_frame_is_reported(card: Path) -> None:
    store, worker = EvidenceStore(card, min_free_bytes=0), ThreadWorker()
    notices: list[Notice] = []
    recorder = Recorder(
        store,
        worker,
        SystemClock(),
        identity=Identity("demo", "baltimore", "cam-0001", "Lapel", "session-1", "0.1.0", "America/New_York"),
        new_id=lambda: "clip-1",
        max_clip_s=1000.0,
        unwritten_max_bytes=10**7,
        notify=notices.append,
    )
    given = [heavy(number) for number in range(1, 21)]
    recording = recorder.begin(Cause("button"), instant(2.0), PreEvent(given[:2], 2.0, None))
    recording.pre_event_complete()
    for one in given[2:]:
        recording.add(one)
    recording.end(Cause("button"))
    await recorder.settled()
    worker.close()
    assert [type(one) for one in notices if not isinstance(one, PreEventSaved)] == [Started, Failed, Lost]
    assert store.recover() == []
    (failed,) = store.listing()
    video = store.video("clip-1").read_bytes()
    store.close()
    assert failed.status == "failed"
    assert failed.stop is not None
    assert "the disk is full" in failed.stop.reason
    assert len(video) == failed.video_bytes
    lost_frames = sum(one.frames for one in notices if isinstance(one, Lost))
    assert failed.frames + lost_frames == sum(one.frames for one in given)


def test_a_card_without_free_inodes_is_reported_as_such(tmp_path: Path) -> None:
    with card(tmp_path, "8m,nr_inodes=8"):
        store = EvidenceStore(tmp_path, min_free_bytes=0)
        store.check()
        for number in range(8):
            with contextlib.suppress(OSError):
                (tmp_path / f"file-{number}").touch()
        with pytest.raises(StorageError, match=r"the disk can hold no more files \(no free inodes\)"):
            store.check()
        with pytest.raises(StorageError, match=r"clip-1: the disk can hold no more files"):
            store.create(account())
        store.close()
