import errno
import json
import os
import re
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accounts import account
from fragments import HEADER, fragment, stored
from lapel import mp4_boxes as boxes
from lapel.errors import ClipLostError, StorageError
from lapel.evidence.store import EvidenceStore
from lapel.recording import Cause

BODY = fragment(1).body
NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EvidenceStore]:
    root = tmp_path / "evidence"
    root.mkdir()
    opened = EvidenceStore(root, min_free_bytes=0)
    yield opened
    opened.close()


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# -- check -----------------------------------------------------------------------------------------------------------


def test_a_missing_folder_is_named_and_may_appear_later(tmp_path: Path) -> None:
    root = tmp_path / "card"
    store = EvidenceStore(root, min_free_bytes=0)
    for refused in (store.check, store.free_bytes, store.recover, store.listing):
        with pytest.raises(StorageError, match=f"{root}: does not exist; create it"):
            refused()
    root.mkdir()
    store.check()
    store.close()


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    root.write_text("")
    with pytest.raises(StorageError, match="is not a folder"):
        EvidenceStore(root).check()


def test_too_little_free_space_is_reported_in_figures(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, min_free_bytes=10**18)
    with pytest.raises(StorageError, match=r"full \([\d.]+ MB free, 1000000000000.0 MB needed"):
        store.check()
    store.close()


def test_a_check_leaves_nothing_behind_but_the_lock(store: EvidenceStore) -> None:
    store.check()
    assert names(store.root) == [".lapel.lock"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can change its user")
def test_a_user_without_write_permission_gets_an_error_with_advice(uid_nobody: Path) -> None:
    with pytest.raises(StorageError, match="may not be written; give this user the right"):
        EvidenceStore(uid_nobody).check()


@pytest.fixture
def uid_nobody() -> Iterator[Path]:
    """A folder of root, while the process has the rights of the user `nobody`."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        yield root
    finally:
        os.seteuid(0)
        shutil.rmtree(root)


# -- one camera a folder ---------------------------------------------------------------------------------------------


def test_a_second_camera_is_turned_away_until_the_first_has_left(store: EvidenceStore) -> None:
    files = store.create(account())
    second = EvidenceStore(store.root, min_free_bytes=0)
    for refused in (second.check, second.recover, lambda: second.create(account("clip-2"))):
        with pytest.raises(StorageError, match="another camera records here"):
            refused()
    assert [one.status for one in second.listing()] == ["recording"]
    files.close()
    store.close()
    assert [one.status for one in second.recover()] == ["interrupted"]
    second.close()
    second.close()


def test_a_card_that_was_changed_is_taken_anew(store: EvidenceStore) -> None:
    store.check()
    store.root.rename(store.root.with_name("old card"))
    store.root.mkdir()
    store.check()
    with pytest.raises(StorageError, match="another camera"):
        EvidenceStore(store.root).check()


def test_the_folder_itself_may_be_reached_through_a_link(store: EvidenceStore, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.root)
    linked = EvidenceStore(tmp_path / "link", min_free_bytes=0)
    linked.check()
    linked.create(account()).close()
    linked.close()


# -- writing ---------------------------------------------------------------------------------------------------------


def test_a_video_has_its_name_only_with_its_first_fragment(store: EvidenceStore) -> None:
    files = store.create(account())
    folder = store.root / "clip-1"
    assert names(folder) == [".reserve", "recording.json"]
    files.append(stored(HEADER, BODY))
    assert names(folder) == [".reserve", "recording.json", "video.mp4"]
    assert store.video("clip-1") == folder / "video.mp4"
    files.close()
    assert names(folder) == ["recording.json", "video.mp4"]


def test_the_account_is_indented_and_in_the_order_of_its_fields(store: EvidenceStore) -> None:
    store.create(account()).close()
    text = (store.root / "clip-1" / "recording.json").read_text()
    assert re.match(
        r'{\n  "checksum": "[0-9a-f]{8}",\n  "format": "lapel-recording-1",\n  "recording": "clip-1",\n', text
    )
    assert text.endswith("\n}\n")
    assert json.loads(text)["start"] == {"source": "button"}


@pytest.mark.parametrize("recording", ["", ".", "..", "../clip", "a/b", ".hidden", "nul\0"])
def test_no_id_leads_out_of_the_folder(store: EvidenceStore, recording: str) -> None:
    with pytest.raises(StorageError, match="not the id of a recording"):
        store.create(account(recording))
    with pytest.raises(StorageError, match="not the id of a recording"):
        store.video(recording)


def test_what_a_failed_write_left_is_cut_off_and_nothing_more_is_taken(store: EvidenceStore) -> None:
    """A real short write: the kernel takes what fits below the limit, then refuses."""
    files = store.create(account())
    files.append(stored(HEADER, BODY))
    limit = len(HEADER) + len(BODY) + 10
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(StorageError, match=r"video\.mp4: the file is as long as"):
            files.append(stored(BODY, BODY))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with pytest.raises(StorageError, match="accepts no more"):
        files.append(stored(BODY))
    files.close()
    assert store.video("clip-1").read_bytes() == HEADER + BODY


def failing_sync(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_sync_that_fails_is_lost_data_and_is_never_tried_again(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, min_free_bytes=0, sync=failing_sync)
    files = store.create(account())
    with pytest.raises(StorageError, match=r"video\.mp4\.part: the disk failed; check it"):
        files.append(stored(HEADER, BODY))
    with pytest.raises(StorageError, match="accepts no more"):
        files.append(stored(BODY))
    files.describe(account(status="failed"))
    files.close()
    assert names(tmp_path / "clip-1") == ["recording.json", "video.mp4.part"]
    store.close()


def test_a_folder_that_could_not_be_begun_is_not_left_behind(store: EvidenceStore) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    store.check()
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(StorageError, match=r"recording\.json"):
            store.create(account())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(store.root) == [".lapel.lock"]


# -- recovery --------------------------------------------------------------------------------------------------------


def test_a_synced_fragment_that_was_not_named_yet_gets_its_name(store: EvidenceStore) -> None:
    store.create(account()).close()
    folder = store.root / "clip-1"
    (folder / "video.mp4.part").write_bytes(HEADER + BODY + BODY[:5])
    (found,) = store.recover()
    assert (found.fragments, found.torn_bytes) == (1, 5)
    assert names(folder) == ["recording.json", "video.mp4"]
    assert (folder / "video.mp4").read_bytes() == HEADER + BODY + BODY[:5]


def test_a_part_without_a_fragment_stays_and_is_reported(store: EvidenceStore) -> None:
    store.create(account()).close()
    folder = store.root / "clip-1"
    (folder / "video.mp4.part").write_bytes(HEADER + BODY[:-1])
    (found,) = store.recover()
    assert (found.status, found.fragments, found.torn_bytes) == ("interrupted", 0, len(BODY) - 1)
    assert names(folder) == ["recording.json", "video.mp4.part"]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\0" * 512, b'{"format": "lapel-recording-1"}', b"\xff"])
def test_a_video_with_a_broken_account_gets_a_new_one_beside_the_old(store: EvidenceStore, text: bytes) -> None:
    folder = store.root / "clip-1"
    folder.mkdir()
    (folder / "video.mp4").write_bytes(HEADER + BODY)
    (folder / "recording.json").write_bytes(text)
    (found,) = store.recover()
    assert (found.recording, found.status, found.fragments, found.camera) == ("clip-1", "interrupted", 1, "unknown")
    assert names(folder) == ["recording.json", "recording.json.damaged-1", "video.mp4"]
    assert (folder / "recording.json.damaged-1").read_bytes() == text
    assert store.listing() == [found]


def test_a_second_broken_account_does_not_overwrite_the_first(store: EvidenceStore) -> None:
    folder = store.root / "clip-1"
    folder.mkdir()
    (folder / "video.mp4").write_bytes(HEADER + BODY)
    for text in ("first", "second", "third"):
        (folder / "recording.json").write_text(text)
        store.recover()
    kept = [(folder / f"recording.json.damaged-{number}").read_text() for number in (1, 2, 3)]
    assert kept == ["first", "second", "third"]


def test_a_video_without_an_account_gets_one(store: EvidenceStore) -> None:
    folder = store.root / "clip-1"
    folder.mkdir()
    (folder / "video.mp4").write_bytes(HEADER + BODY)
    (found,) = store.recover()
    assert (found.status, found.fragments, found.start.source) == ("interrupted", 1, "unknown")


def test_an_account_of_another_firmware_is_left_alone(store: EvidenceStore) -> None:
    folder = store.root / "clip-1"
    folder.mkdir()
    (folder / "video.mp4").write_bytes(HEADER + BODY)
    (folder / "recording.json").write_text('{"format": "lapel-recording-9", "status": "sealed"}')
    assert store.recover() == []
    assert names(folder) == ["recording.json", "video.mp4"]


def test_one_broken_folder_does_not_prevent_a_start(store: EvidenceStore) -> None:
    for name in ("a", "c"):
        store.create(account(name)).close()
    (store.root / "b").mkdir()
    os.mkfifo(store.root / "b" / "recording.json")
    os.mkfifo(store.root / "b" / "video.mp4")
    store.create(account("d", start_time="yesterday")).close()
    (store.root / "d" / "video.mp4").write_bytes(HEADER + BODY)
    (store.root / "e").mkdir()
    (store.root / "stray file").write_text("")
    recovered = store.recover()
    assert [one.recording for one in recovered] == ["a", "c", "d"]
    assert recovered[-1].trigger_time == "unknown"


def test_a_damaged_fragment_ends_what_is_whole(store: EvidenceStore) -> None:
    store.create(account()).close()
    damaged = BODY.replace(b"trun", b"\0\0\0\0")
    (store.root / "clip-1" / "video.mp4").write_bytes(HEADER + BODY + damaged + BODY)
    (found,) = store.recover()
    assert (found.fragments, found.torn_bytes) == (1, 2 * len(BODY))


@pytest.mark.parametrize("start_ticks", [0, 2**62])
def test_a_fragment_at_an_impossible_time_ends_what_is_whole(store: EvidenceStore, start_ticks: int) -> None:
    store.create(account()).close()
    misplaced = boxes.placed(BODY, 2, start_ticks)
    (store.root / "clip-1" / "video.mp4").write_bytes(HEADER + BODY + misplaced)
    (found,) = store.recover()
    assert (found.status, found.fragments, found.torn_bytes) == ("interrupted", 1, len(BODY))


def test_links_are_never_followed(store: EvidenceStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "video.mp4").write_bytes(HEADER + BODY)
    (outside / "recording.json").write_text("not an account")
    (store.root / "linked").symlink_to(outside)
    (store.root / "clip-1").mkdir()
    (store.root / "clip-1" / "video.mp4").symlink_to(outside / "video.mp4")
    (store.root / "clip-1" / "recording.json").symlink_to(outside / "recording.json")
    assert store.recover() == []
    assert store.listing() == []
    for recording in ("linked", "clip-1"):
        with pytest.raises(StorageError, match="no such video"):
            store.video(recording)
    assert names(outside) == ["recording.json", "video.mp4"]
    assert (outside / "recording.json").read_text() == "not an account"


def test_the_listing_is_by_trigger_and_leaves_out_what_it_cannot_read(store: EvidenceStore) -> None:
    for name, moment in (("b", "2026-11-24T07:00:02.000Z"), ("a", "2026-11-24T07:00:03.000Z")):
        store.create(account(name, trigger_time=moment, status="complete", stop=Cause("button"))).close()
    (store.root / "c").mkdir()
    (store.root / "c" / "recording.json").write_text("{")
    assert [one.recording for one in store.listing()] == ["b", "a"]


# -- others at the same files ----------------------------------------------------------------------------------------


def removed(video: Path) -> None:
    video.unlink()


def removed_with_its_folder(video: Path) -> None:
    shutil.rmtree(video.parent)


def replaced(video: Path) -> None:
    content = video.read_bytes()
    video.unlink()
    video.write_bytes(content)


def truncated(video: Path) -> None:
    os.truncate(video, video.stat().st_size - 10)


def added_to(video: Path) -> None:
    with video.open("ab") as file:
        file.write(b"more")


LOSSES = [
    (removed, "was removed, or its folder was, while it was being recorded", 0),
    (removed_with_its_folder, "was removed, or its folder was, while it was being recorded", 0),
    (replaced, "was replaced by another file while it was being recorded", 0),
    (truncated, r"has \d+ bytes where \d+ were written; another program changed it", 1),
    (added_to, r"has \d+ bytes where \d+ were written; another program changed it", 2),
]


@pytest.mark.parametrize(("loss", "reason", "left"), LOSSES)
def test_a_video_that_others_changed_is_noticed_at_the_next_write_and_before_complete(
    store: EvidenceStore, loss: Callable[[Path], None], reason: str, left: int
) -> None:
    for number, notices in enumerate(("append", "describe")):
        files = store.create(account(f"clip-{number}"))
        files.append(stored(HEADER, BODY))
        files.append(stored(fragment(2).body))
        loss(store.root / f"clip-{number}" / "video.mp4")
        with pytest.raises(ClipLostError, match=rf"video\.mp4: {reason}") as lost:
            files.append(stored(BODY)) if notices == "append" else files.describe(account(status="complete"))
        assert lost.value.left.fragments == left
        files.close()


def test_running_out_of_descriptors_is_reported_as_such(store: EvidenceStore) -> None:
    store.check()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = store.create(account())
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        with pytest.raises(StorageError, match="this process has no file descriptor left; restart the camera"):
            files.append(stored(HEADER, BODY))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    files.close()
