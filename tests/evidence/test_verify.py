"""The tamper matrix: what is done to a recording, and what verification must say about it."""

import dataclasses
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import account
from evidence.recordings import SEALING, ended, flipped, open_store, trust, write_recording
from fragments import clip_fragments
from lapel import own_files
from lapel.evidence.description import facts, happenings
from lapel.evidence.disk import read_account, write_account
from lapel.evidence.identity import load_or_make
from lapel.evidence.manifest import Sealing
from lapel.evidence.manifest_reader import read_manifest
from lapel.evidence.records import Encryption, Recipient
from lapel.evidence.trust import Trust
from lapel.evidence.verify import Report, Verdict, verify_recording
from lapel.recording import Cause
from lapel_fleet.hardware.blank_fragments import HEADER


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "evidence")


@pytest.fixture
def trusted(tmp_path: Path) -> Trust:
    return trust(tmp_path)


def kinds(report: Report) -> list[str]:
    return [finding.kind for finding in report.findings]


def lines(folder: Path) -> list[bytes]:
    return (folder / "manifest.jsonl").read_bytes().splitlines(keepends=True)


def write_lines(folder: Path, changed: list[bytes]) -> None:
    (folder / "manifest.jsonl").write_bytes(b"".join(changed))


def fragment_bytes(number: int) -> bytes:
    return b"".join(clip_fragments(1, first=number)[0].chunks)


# -- nothing was done ------------------------------------------------------------------------------------------------


def test_an_untouched_recording_is_intact(recording: Path, trusted: Trust) -> None:
    report = verify_recording(recording, trusted)
    assert (report.verdict, report.findings) == (Verdict.INTACT, [])
    assert (report.camera, report.fragments, report.duration_s) == ("demo/baltimore/cam-0001", 4, 4.0)


def test_a_copy_under_another_name_is_intact(recording: Path, trusted: Trust, tmp_path: Path) -> None:
    shutil.copytree(recording, tmp_path / "for the court")
    assert verify_recording(tmp_path / "for the court", trusted).verdict is Verdict.INTACT


WRITTEN = {
    "count": st.integers(0, 12),
    "batches": st.lists(st.integers(1, 4), min_size=12, max_size=12),
    "markers": st.lists(st.floats(0, 60), max_size=4),
    "status": st.sampled_from(["complete", "failed"]),
}
fixtures_are_shared = [HealthCheck.function_scoped_fixture]


@settings(deadline=None, max_examples=40, suppress_health_check=fixtures_are_shared)
@given(**WRITTEN)
def test_no_recording_that_a_camera_wrote_raises_a_false_alarm(
    tmp_path: Path, count: int, batches: list[int], markers: list[float], status: str
) -> None:
    check_intact(tmp_path, count, batches, markers, status)


@pytest.mark.soak
@pytest.mark.timeout(600)
@settings(deadline=None, max_examples=1_000, suppress_health_check=fixtures_are_shared)
@given(**WRITTEN)
def test_none_of_a_thousand_recordings_raises_a_false_alarm(
    tmp_path: Path, count: int, batches: list[int], markers: list[float], status: str
) -> None:
    check_intact(tmp_path, count, batches, markers, status)


def check_intact(folder: Path, count: int, batches: list[int], markers: list[float], status: str) -> None:
    root = folder / "evidence"
    shutil.rmtree(root, ignore_errors=True)
    store = open_store(root)
    clip, written = clip_fragments(count), 0
    files = store.create(account())
    for batch in batches:
        if written < count:
            files.append(clip[written : written + batch])
            written += batch
            files.describe(msgspec.structs.replace(account(), markers_s=[round(one, 3) for one in markers[:batch]]))
    files.describe(ended(account(), clip, status))
    files.close()
    store.close()
    report = verify_recording(root / "clip-1", trust(folder))
    assert (report.verdict, report.findings) == (Verdict.INTACT, [])


# -- bytes are changed -----------------------------------------------------------------------------------------------


FILES = ["video.mp4", "manifest.jsonl", "recording.json"]


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FILES)
def test_every_changed_byte_of_every_file_is_found(recording: Path, trusted: Trust, name: str) -> None:
    check_changed_bytes(recording, trusted, name, step=1)


@pytest.mark.parametrize("name", FILES)
def test_changed_bytes_of_every_file_are_found(recording: Path, trusted: Trust, name: str) -> None:
    check_changed_bytes(recording, trusted, name, step=13)


def check_changed_bytes(recording: Path, trusted: Trust, name: str, step: int) -> None:
    path, rng = recording / name, random.Random(name)
    size_bytes = path.stat().st_size
    for position in {*range(0, size_bytes, step), size_bytes - 1}:
        restore = flipped(path, position, rng.randrange(8))
        report = verify_recording(recording, trusted)
        assert report.verdict is Verdict.NOT_INTACT, (position, report)
        restore()
    assert verify_recording(recording, trusted).verdict is Verdict.INTACT


def test_a_changed_byte_is_found_in_its_own_second(recording: Path, trusted: Trust) -> None:
    flipped(recording / "video.mp4", len(HEADER) + len(fragment_bytes(2)) + 20)
    (finding,) = verify_recording(recording, trusted).findings
    assert (finding.kind, finding.from_s, finding.to_s) == ("fragment-changed", 1.0, 2.0)


@pytest.mark.soak
def test_a_thousand_changed_bytes_of_a_large_recording_are_found(tmp_path: Path) -> None:
    clip = clip_fragments(30, media=random.Random(1).randbytes(100_000))
    folder = write_recording(tmp_path / "evidence", fragments=clip)
    path, rng = folder / "video.mp4", random.Random(2)
    for _ in range(1_000):
        restore = flipped(path, rng.randrange(path.stat().st_size), rng.randrange(8))
        report = verify_recording(folder, trust(tmp_path))
        assert (report.verdict, len(report.findings)) == (Verdict.NOT_INTACT, 1)
        restore()


# -- fragments are moved ---------------------------------------------------------------------------------------------

HEAD = fragment_bytes(1)


def video_of(*numbers: int) -> bytes:
    return b"".join(fragment_bytes(number) for number in numbers)


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        pytest.param(video_of(2, 3, 4), [("fragments-missing", 0.0, 1.0)], id="without its head"),
        pytest.param(video_of(1, 3, 4), [("fragments-missing", 1.0, 2.0)], id="without its middle"),
        pytest.param(video_of(1, 4), [("fragments-missing", 1.0, 3.0)], id="without two"),
        pytest.param(video_of(1, 2, 3), [("fragments-missing", 3.0, 4.0)], id="without its tail"),
        pytest.param(video_of(1, 2, 3)[:-1], [("fragments-missing", 2.0, 4.0)], id="cut within a fragment"),
        pytest.param(video_of(1, 2, 2, 3, 4), [("fragment-repeated", 2.0, 3.0)], id="one doubled"),
        pytest.param(
            video_of(1, 3, 2, 4), [("fragments-missing", 1.0, 2.0), ("fragment-repeated", 3.0, 4.0)], id="two swapped"
        ),
        pytest.param(video_of(1, 2, 3, 4) + b"more", [("extra-bytes", 4.0, None)], id="something appended"),
        pytest.param(b"", [("fragments-missing", 0.0, 4.0)], id="emptied"),
    ],
)
def test_moved_fragments_are_named_by_their_seconds(
    recording: Path, trusted: Trust, video: bytes, expected: list[tuple[str, float, float | None]]
) -> None:
    (recording / "video.mp4").write_bytes(video)
    report = verify_recording(recording, trusted)
    assert report.verdict is Verdict.NOT_INTACT
    found = [(one.kind, one.from_s, one.to_s) for one in report.findings]
    assert found[: len(expected)] == expected


def test_a_fragment_of_another_recording_is_found(recording: Path, trusted: Trust) -> None:
    other = b"".join(clip_fragments(1, first=2, media=b"fraud")[0].chunks)
    (recording / "video.mp4").write_bytes(video_of(1) + other + video_of(3, 4))
    (finding,) = verify_recording(recording, trusted).findings
    assert (finding.kind, finding.from_s, finding.to_s) == ("fragment-changed", 1.0, 2.0)


def test_a_video_that_was_removed_is_missing(recording: Path, trusted: Trust) -> None:
    (recording / "video.mp4").unlink()
    assert kinds(verify_recording(recording, trusted)) == ["video-missing"]


# -- records are moved -----------------------------------------------------------------------------------------------


def without(*indices: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda before: [line for index, line in enumerate(before) if index not in indices]


def swap(before: list[bytes]) -> list[bytes]:
    return [*before[:2], before[3], before[2], *before[4:]]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        pytest.param(without(0), "manifest-unusable", id="without the open record"),
        pytest.param(without(2), "records-missing", id="without a record"),
        pytest.param(without(2, 3), "records-missing", id="without two records"),
        pytest.param(lambda before: [*before[:3], *before[2:]], "record-out-of-order", id="one doubled"),
        pytest.param(swap, "records-missing", id="two swapped"),
        pytest.param(lambda before: [*before, before[-1]], "record-out-of-order", id="closed twice"),
        pytest.param(lambda before: [*before[:3], b"{}\n", *before[3:]], "record-damaged", id="a line inserted"),
    ],
)
def test_moved_records_are_found(
    recording: Path, trusted: Trust, change: Callable[[list[bytes]], list[bytes]], kind: str
) -> None:
    write_lines(recording, change(lines(recording)))
    report = verify_recording(recording, trusted)
    assert (report.verdict, report.findings[0].kind) == (Verdict.NOT_INTACT, kind)


def test_a_missing_record_is_named_with_its_second(recording: Path, trusted: Trust) -> None:
    write_lines(recording, without(2)(lines(recording)))  # of the second fragment
    finding = verify_recording(recording, trusted).findings[0]
    assert (finding.message, finding.from_s, finding.to_s) == ("record 3 is missing", 1.0, 2.0)


def test_without_its_close_record_a_complete_recording_is_not_intact(recording: Path, trusted: Trust) -> None:
    write_lines(recording, lines(recording)[:-1])
    report = verify_recording(recording, trusted)
    assert (report.verdict, kinds(report)) == (Verdict.NOT_INTACT, ["end-removed"])


def test_an_older_state_of_all_files_is_interrupted_never_intact(recording: Path, trusted: Trust) -> None:
    """As they were after two fragments: the audit log alone can show that there was more."""
    write_lines(recording, lines(recording)[:3])
    (recording / "video.mp4").write_bytes(video_of(1, 2))
    write_account(recording, account())
    report = verify_recording(recording, trusted)
    assert (report.verdict, kinds(report)) == (Verdict.CANNOT_SAY, ["not-closed"])


def test_records_of_another_recording_of_the_same_camera_are_found(recording: Path, trusted: Trust) -> None:
    other = write_recording(recording.parent, "clip-2", fragments=clip_fragments(4, media=b"other"))
    write_lines(recording, [*lines(recording)[:3], *lines(other)[3:]])
    report = verify_recording(recording, trusted)
    assert (report.verdict, report.findings[0].kind) == (Verdict.NOT_INTACT, "record-foreign")


def test_records_of_another_camera_are_found(recording: Path, trusted: Trust, tmp_path: Path) -> None:
    stranger = Sealing(load_or_make(tmp_path / "key", "another").signer, SEALING.now)
    other = write_recording(tmp_path / "other", sealing=stranger)
    write_lines(recording, [*lines(recording)[:3], *lines(other)[3:]])
    report = verify_recording(recording, trusted)
    assert (report.verdict, report.findings[0].kind) == (Verdict.NOT_INTACT, "record-foreign")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'"utc":"2026-11-24T07:00:01', b'"utc":"2026-11-24T08:00:01', id="clock"),
        pytest.param(b'"mono_s":1.0', b'"mono_s":9.0', id="monotonic clock"),
        pytest.param(b'"key_id":"aa"', b'"key_id":"bb"', id="recipients"),
        pytest.param(b'"at_s":1.25', b'"at_s":0.25', id="marker"),
        pytest.param(b'"camera":"cam-0001"', b'"camera":"cam-0002"', id="camera"),
    ],
)
def test_a_field_of_a_record_that_was_changed_is_found(tmp_path: Path, trusted: Trust, old: bytes, new: bytes) -> None:
    sealer = FixedSealer(Encryption("aes-256-gcm", "HPKE", [Recipient("aa", "wrapped")]))
    folder = write_recording(tmp_path / "sealed", sealing=dataclasses.replace(SEALING, sealer=lambda _: sealer))
    assert verify_recording(folder, trusted).verdict is Verdict.INTACT
    manifest = folder / "manifest.jsonl"
    assert old in manifest.read_bytes()
    manifest.write_bytes(manifest.read_bytes().replace(old, new))
    assert verify_recording(folder, trusted).verdict is Verdict.NOT_INTACT


@dataclasses.dataclass(frozen=True)
class FixedSealer:
    """Stands for encryption: the tests of the vault are elsewhere."""

    encryption: Encryption

    def seal(self, fragment: bytes, number: int, previous: str) -> bytes:
        return fragment[::-1]


def test_a_whole_manifest_signed_by_another_key_is_not_trusted(trusted: Trust, tmp_path: Path) -> None:
    """A forger can sign everything anew; but no authority vouches for that key."""
    forger = Sealing(load_or_make(tmp_path / "key", "demo/baltimore/cam-0001").signer, SEALING.now)
    report = verify_recording(write_recording(tmp_path / "forged", sealing=forger), trusted)
    assert (report.verdict, kinds(report)) == (Verdict.NOT_INTACT, ["signer-untrusted"])


def test_without_an_authority_it_is_not_known_who_signed(recording: Path) -> None:
    report = verify_recording(recording, Trust())
    assert (report.verdict, kinds(report)) == (Verdict.CANNOT_SAY, ["signer-unknown"])
    assert report.key_id in report.findings[0].message


@pytest.mark.parametrize(
    ("name", "kind"), [("recording.json", "account-missing"), ("manifest.jsonl", "manifest-missing")]
)
def test_a_removed_file_is_found(recording: Path, trusted: Trust, name: str, kind: str) -> None:
    (recording / name).unlink()
    report = verify_recording(recording, trusted)
    assert (report.verdict, kinds(report)) == (Verdict.NOT_INTACT, [kind])


def test_a_recording_by_an_earlier_firmware_is_intact(tmp_path: Path, trusted: Trust) -> None:
    """Its account and its records lack the fields that were added since."""
    earlier = Path(__file__).parent / "earlier_recording"
    folder = shutil.copytree(earlier, tmp_path / "clip-1")
    assert kinds(verify_recording(folder, trusted)) == ["signer-untrusted"], "the tests' keys are new in each run"
    text = (folder / "recording.json").read_text()
    assert "category" not in text
    assert dict(facts(read_manifest(folder / "manifest.jsonl")))["category"] == "uncategorised"
    (folder / "recording.json").write_text(text.replace('"torn_bytes": 0', '"torn_bytes": 1'))
    assert "account-changed" in kinds(verify_recording(folder, trusted))


@pytest.mark.parametrize("name", ["category", "is_critical", "marker_labels", "wearer", "assignee"])
def test_a_field_that_was_taken_out_of_an_account_is_found(tmp_path: Path, trusted: Trust, name: str) -> None:
    said = {"category": "arrest", "is_critical": True, "marker_labels": ["knife"], "wearer": "1", "assignee": "2"}
    folder = write_recording(tmp_path / "evidence", said=said)
    assert verify_recording(folder, trusted).verdict is Verdict.INTACT
    there = msgspec.json.decode((folder / "recording.json").read_bytes())
    del there["checksum"], there[name]
    (folder / "recording.json").write_bytes(own_files.encode(there))
    assert kinds(verify_recording(folder, trusted)) == ["account-changed"]


def test_wearer_category_and_labels_are_shown(tmp_path: Path) -> None:
    said = {"category": "arrest", "is_critical": True, "marker_labels": ["knife"], "wearer": "1", "assignee": "2"}
    manifest = read_manifest(write_recording(tmp_path / "evidence", said=said) / "manifest.jsonl")
    shown = dict(facts(manifest))
    assert shown["category"] == "arrest (critical)"
    assert shown["wearer"] == "1; the camera is assigned to 2"
    texts = [text for _, text in happenings(manifest)]
    assert "marker: knife" in texts
    assert "category: arrest" in texts


def test_an_account_that_flatters_is_found(recording: Path, trusted: Trust) -> None:
    """Even if its checksum was computed anew."""
    flattering = read_account(recording)
    assert flattering is not None
    flattering.stop = Cause("button", "the scene was secure")
    write_account(recording, flattering)
    assert kinds(verify_recording(recording, trusted)) == ["account-changed"]


def test_a_recording_whose_storage_failed_is_closed_and_intact_as_far_as_it_goes(tmp_path: Path) -> None:
    store = open_store(tmp_path / "evidence")
    files = store.create(account())
    clip = clip_fragments(2)
    files.append(clip)
    files.describe(ended(account(), clip, "failed"))
    files.close()
    store.close()
    assert verify_recording(tmp_path / "evidence" / "clip-1", trust(tmp_path)).verdict is Verdict.INTACT
