"""What a power cut leaves of a signed clip, and what the next start makes of it."""

import dataclasses
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts import account
from evidence.recordings import SEALING, ended, open_store, trust, write_recording
from fragments import clip_fragments, instant
from lapel import mp4_boxes as boxes
from lapel.clock import Instant
from lapel.evidence.disk import write_account
from lapel.evidence.identity import load_or_make
from lapel.evidence.manifest import Sealing
from lapel.evidence.manifest_reader import read_manifest
from lapel.evidence.records import ClockStepped, Recovered
from lapel.evidence.trust import Trust
from lapel.evidence.verify import Verdict, verify_recording
from lapel.own_files import DamageReports
from lapel.recording import Account


def recover(folder: Path, sealing: Sealing = SEALING, damage: DamageReports | None = None) -> list[Account]:
    store = open_store(folder.parent, sealing=sealing, damage=damage)
    try:
        return store.recover()
    finally:
        store.close()


def recovered_record(folder: Path) -> Recovered:
    ending = read_manifest(folder / "manifest.jsonl").ending
    assert isinstance(ending, Recovered)
    return ending


def test_an_interrupted_clip_is_closed_with_a_signed_record_of_what_was_found(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "evidence", status="recording")
    (found,) = recover(folder)
    assert (found.status, found.fragments, found.frames, found.duration_s) == ("interrupted", 4, 40, 4.0)
    assert (found.markers_s, [gap.start_s for gap in found.gaps]) == ([1.25], [2.0])
    assert recovered_record(folder).account == found
    report = verify_recording(folder, trust(tmp_path))
    assert (report.verdict, [one.kind for one in report.findings]) == (Verdict.CANNOT_SAY, ["interrupted"])
    assert recover(folder) == []


def test_what_no_record_describes_is_kept_beside(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "evidence", status="recording")
    video = (folder / "video.mp4").read_bytes()
    with (folder / "video.mp4").open("ab") as file:
        file.write(b"half a fragment")
    with (folder / "manifest.jsonl").open("ab") as file:
        file.write(b'{"record":{"at_s"')
    (found,) = recover(folder)
    assert found.torn_bytes == len(b"half a fragment")
    assert (folder / "video.mp4").read_bytes() == video
    assert (folder / "video.mp4.tail-1").read_bytes() == b"half a fragment"
    assert (folder / "manifest.jsonl.tail-1").read_bytes() == b'{"record":{"at_s"'
    assert [one.kind for one in verify_recording(folder, trust(tmp_path)).findings] == ["interrupted"]


@pytest.mark.parametrize(("name", "kind"), [("video.mp4.tail-1", "tail"), ("manifest.jsonl.tail-1", "tail")])
def test_a_tail_that_was_removed_or_changed_is_found(tmp_path: Path, name: str, kind: str) -> None:
    folder = write_recording(tmp_path / "evidence", status="recording")
    for torn in ("video.mp4", "manifest.jsonl"):
        with (folder / torn).open("ab") as file:
            file.write(b"torn")
    recover(folder)
    (folder / name).write_bytes(b"lies")
    changed = verify_recording(folder, trust(tmp_path))
    (folder / name).unlink()
    removed = verify_recording(folder, trust(tmp_path))
    assert [changed.verdict, removed.verdict] == [Verdict.NOT_INTACT] * 2
    assert f"{kind}-changed" in [one.kind for one in changed.findings]
    assert f"{kind}-missing" in [one.kind for one in removed.findings]


def test_a_close_record_that_was_removed_is_left_for_verification_to_find(tmp_path: Path) -> None:
    """No lost session leaves that: `recording.json` is *complete* only once the last record is on disk."""
    folder = write_recording(tmp_path / "evidence")
    lines = (folder / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "manifest.jsonl").write_bytes(b"".join(lines[:-1]))
    assert recover(folder) == []
    assert (folder / "manifest.jsonl").read_bytes() == b"".join(lines[:-1])
    assert [one.kind for one in verify_recording(folder, trust(tmp_path)).findings] == ["end-removed"]


def test_a_failed_clip_whose_manifest_the_disk_did_not_take_is_closed_later(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "evidence", status="recording")
    write_account(folder, account(status="failed"))
    (found,) = recover(folder)
    assert found.status == "interrupted"
    assert recover(folder) == []


def test_a_clip_that_was_closed_but_not_described_gets_its_account_from_the_manifest(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "evidence")
    whole = (folder / "recording.json").read_bytes()
    for damaged in (b"", b"{", None):
        if damaged is None:
            (folder / "recording.json").unlink()
        else:
            (folder / "recording.json").write_bytes(damaged)
        (found,) = recover(folder)
        assert found.status == "complete"
        assert (folder / "recording.json").read_bytes() == whole
    assert verify_recording(folder, trust(tmp_path)).verdict is Verdict.INTACT


def test_a_camera_with_a_new_identity_leaves_an_old_manifest_as_it_is(tmp_path: Path) -> None:
    """Only the key that began a manifest can close it."""
    folder = write_recording(tmp_path / "evidence", status="recording")
    before = (folder / "manifest.jsonl").read_bytes()
    new = Sealing(load_or_make(tmp_path / "key", "cam").signer, SEALING.now)
    (found,) = recover(folder, new)
    assert found.status == "interrupted"
    assert recover(folder, new) == []
    assert (folder / "manifest.jsonl").read_bytes() == before
    assert [one.kind for one in verify_recording(folder, trust(tmp_path)).findings] == ["not-closed"]


# -- every state that a power cut can leave ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """The clip's folder as it was handed to the disk just before a sync."""

    copy: Path
    unsynced: str
    """The file that is about to be synced."""
    synced_bytes: int
    """How much of it is safe."""
    safe_fragments: int
    """How many fragments had video and record synced."""


class SyncLog:
    """Copies the clip's folder before each sync."""

    def __init__(self, folder: Path, copies: Path) -> None:
        self._folder, self._copies = folder, copies
        self._synced: dict[str, int] = {}
        self.moments: list[Moment] = []
        self.safe_fragments = 0

    def sync(self, descriptor: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name.removesuffix(".part")
        copy = self._copies / f"moment-{len(self.moments)}" / self._folder.name
        shutil.copytree(self._folder, copy)
        self.moments.append(Moment(copy, name, self._synced.get(name, 0), self.safe_fragments))
        self._synced[name] = os.fstat(descriptor).st_size


def write_logged(folder: Path, copies: Path) -> list[Moment]:
    """Write a clip and return the moments before each of its syncs."""
    log = SyncLog(folder, copies)
    store = open_store(folder.parent, sync=log.sync)
    files = store.create(account())
    clip = clip_fragments(6)
    for batch in (clip[:3], clip[3:4], clip[4:5], clip[5:]):
        files.append(batch)
        log.safe_fragments += len(batch)
        files.describe(ended(account(), clip[: log.safe_fragments], "recording"))
    files.describe(ended(account(), clip, "complete"))
    files.close()
    store.close()
    return log.moments


def tails(data: bytes, rng: random.Random, cuts: int) -> Iterator[bytes]:
    """What a disk may hold of bytes that were written and not synced: a part, zeros for a part, or in another order."""
    yield b""
    yield data
    yield bytes(len(data))
    for _ in range(cuts):
        cut = rng.randrange(len(data) + 1)
        yield data[:cut]
        yield data[:cut] + bytes(len(data) - cut)
        yield bytes(cut) + data[cut:]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_every_state_that_a_power_cut_can_leave_recovers_thoroughly(tmp_path: Path) -> None:
    check_power_cuts(tmp_path, cuts=60)


def test_every_state_that_a_power_cut_can_leave_recovers(tmp_path: Path) -> None:
    check_power_cuts(tmp_path, cuts=2)


def check_power_cuts(root: Path, cuts: int) -> None:
    rng, trusted = random.Random(7), trust(root)
    for moment in write_logged(root / "evidence" / "clip-1", root / "moments"):
        path = next(
            moment.copy / name for name in (moment.unsynced, f"{moment.unsynced}.part") if (moment.copy / name).exists()
        )
        whole = path.read_bytes()
        for number, tail in enumerate(tails(whole[moment.synced_bytes :], rng, cuts)):
            state = root / "states" / str(number) / "clip-1"
            shutil.copytree(moment.copy, state)
            (state / path.name).write_bytes(whole[: moment.synced_bytes] + tail)
            check_recovered(state, trusted, moment.safe_fragments)
            shutil.rmtree(root / "states")


def check_recovered(folder: Path, trusted: Trust, safe_fragments: int) -> None:
    recover(folder)
    report = verify_recording(folder, trusted)
    kinds = [one.kind for one in report.findings]
    assert report.verdict is not Verdict.NOT_INTACT, report
    assert kinds in ([], ["interrupted"], ["manifest-unusable"]), report
    assert report.fragments >= safe_fragments
    video = folder / "video.mp4"
    if report.fragments:
        with video.open("rb") as file:
            extent = boxes.extent(file)
        assert (extent.fragments, extent.torn_bytes) == (report.fragments, 0)


def test_a_clock_that_is_set_while_recording_is_on_record(tmp_path: Path) -> None:
    first, second, third = clip_fragments(3)
    later = dataclasses.replace(third, captured=Instant(third.captured.mono_s, instant(3602.0).utc))
    folder = write_recording(tmp_path / "evidence", fragments=[first, second, later])
    steps = [one for one in read_manifest(folder / "manifest.jsonl").records if isinstance(one, ClockStepped)]
    assert [(one.at_s, one.by_s) for one in steps] == [(2.0, 3600.0)]
