"""A card that is really full, or really read-only: a small tmpfs. Needs root; LAPEL_REAL=1 makes it a must."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accounts import account
from fragments import HEADER, fragment, instant, media_in
from lapel.clock import SystemClock
from lapel.errors import StorageError
from lapel.evidence.store import EvidenceStore
from lapel.fragment import Fragment
from lapel.hardware.interfaces import PreEvent
from lapel.media.recorder import Failed, Identity, Lost, Notice, PreEventSaved, Recorder, Started
from lapel.recording import Cause
from lapel.worker import ThreadWorker
from system.cards import card, mount


@pytest.fixture(name="card")
def one_megabyte(tmp_path: Path) -> Iterator[Path]:
    with card(tmp_path, "1m"):
        yield tmp_path


def heavy(number: int) -> Fragment:
    return fragment(number, media=b"%04d" % number + bytes(99_996))


def test_a_full_card_is_told_and_keeps_what_it_has(card: Path) -> None:
    store = EvidenceStore(card, min_free_bytes=0)
    store.check()
    files = store.create(account())
    files.append([HEADER, heavy(1).body])
    with pytest.raises(StorageError, match=r"video\.mp4: the disk is full; offload"):
        files.append([heavy(number).body for number in range(2, 20)])
    assert store.free_bytes() == 0
    with pytest.raises(StorageError, match=f"^{card}: the disk is full"):
        store.check()
    with pytest.raises(StorageError, match=r"recording\.json: the disk is full"):
        files.describe(account(status="failed"))
    with pytest.raises(StorageError, match="takes no more"):
        files.append([b"x"])
    files.close()
    assert [one.status for one in store.listing()] == ["recording"]
    (found,) = store.recover()
    assert found.status == "interrupted"
    video = store.video("clip-1").read_bytes()
    assert media_in(video) == [heavy(number).body[-100_000:] for number in range(1, found.fragments + 1)]
    assert found.fragments > 5
    assert found.torn_bytes == len(video) - found.video_bytes > 0
    store.close()


def test_too_little_room_is_no_room(card: Path) -> None:
    store = EvidenceStore(card, min_free_bytes=2_000_000)
    with pytest.raises(StorageError, match=r"full \(1.0 MB free, 2.0 MB needed to begin\)"):
        store.check()
    store.close()


def test_a_read_only_card_is_told_until_it_is_writable_again(card: Path) -> None:
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


async def test_a_recording_that_fills_the_card_fails_aloud_and_loses_nothing_unsaid(card: Path) -> None:
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
    (recovered,) = store.recover()
    store.close()
    assert recovered.status == "interrupted"
    lost_frames = sum(one.frames for one in notices if isinstance(one, Lost))
    assert recovered.frames + lost_frames >= sum(one.frames for one in given)
