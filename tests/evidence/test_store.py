from pathlib import Path

import pytest

from fragments import HEADER, fragment
from lapel.errors import StorageError
from lapel.evidence.store import EvidenceStore
from lapel.recording import Account, Cause


def account(recording: str = "cam-0001-a") -> Account:
    return Account(
        recording=recording,
        agency="demo",
        site="baltimore",
        camera="cam-0001",
        session="s",
        firmware="0",
        clock_quality="unknown",
        trigger_time="2026-11-24T07:00:00.000Z",
        start=Cause("button"),
        prebuffer_configured_s=10.0,
    )


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path, min_free_bytes=1)


def test_the_video_has_its_name_only_with_the_first_fragment(store: EvidenceStore, tmp_path: Path) -> None:
    files = store.create(account())
    video = tmp_path / "cam-0001-a" / "video.mp4"
    assert not video.exists()
    files.append([HEADER, fragment(1).body])
    files.append([fragment(2).body])
    files.close()
    store.close()
    assert video.read_bytes() == HEADER + fragment(1).body + fragment(2).body


def test_an_unfinished_clip_is_interrupted_and_kept(store: EvidenceStore, tmp_path: Path) -> None:
    files = store.create(account())
    torn = HEADER + fragment(1).body + fragment(2).body[:-3]
    files.append([torn])
    files.close()
    (recovered,) = store.recover()
    assert (recovered.status, recovered.fragments, recovered.frames) == ("interrupted", 1, 10)
    assert recovered.torn_bytes == len(fragment(2).body) - 3
    assert (tmp_path / "cam-0001-a" / "video.mp4").read_bytes() == torn
    assert store.recover() == []
    store.close()


def test_a_finished_clip_is_left_alone(store: EvidenceStore) -> None:
    files = store.create(account())
    files.append([HEADER, fragment(1).body])
    done = account()
    done.status = "complete"
    files.describe(done)
    files.close()
    assert store.recover() == []
    assert store.listing() == [done]
    store.close()


def test_a_folder_with_a_broken_account_keeps_nothing_else_from_starting(store: EvidenceStore, tmp_path: Path) -> None:
    files = store.create(account("b"))
    files.append([HEADER, fragment(1).body])
    files.close()
    (tmp_path / "b" / "recording.json").write_text("{")
    store.create(account("c")).close()
    assert {one.recording: one.status for one in store.recover()} == {"b": "interrupted", "c": "interrupted"}
    store.close()


def test_a_second_camera_on_the_same_folder_is_refused(store: EvidenceStore, tmp_path: Path) -> None:
    store.check()
    second = EvidenceStore(tmp_path, min_free_bytes=1)
    with pytest.raises(StorageError, match="another camera records here"):
        second.check()
    store.close()
    second.check()
    second.close()


def test_a_missing_folder_and_a_full_disk_are_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        EvidenceStore(tmp_path / "nowhere").check()
    full = EvidenceStore(tmp_path, min_free_bytes=2**60)
    with pytest.raises(StorageError, match="full"):
        full.check()
    full.close()


@pytest.mark.parametrize("recording", ["", "../b", "/etc", ".lapel.lock", "a\0b"])
def test_no_id_leads_out_of_the_folder(store: EvidenceStore, recording: str) -> None:
    with pytest.raises(StorageError):
        store.video(recording)


def test_a_failed_sync_is_data_loss_and_ends_the_file(tmp_path: Path) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    store = EvidenceStore(tmp_path, min_free_bytes=1, sync=broken)
    files = store.create(account())
    for _ in range(2):
        with pytest.raises(StorageError):
            files.append([HEADER, fragment(1).body])
    files.close()
    store.close()
