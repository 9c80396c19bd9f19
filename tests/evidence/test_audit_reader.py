"""What is done to an audit log, and what its reader and verification must say."""

import shutil
from pathlib import Path

import pytest

from evidence.recordings import SEALING, flipped, open_store, trust, write_recording
from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.errors import EvidenceError
from lapel.evidence.audit_log import log_files
from lapel.evidence.audit_reader import read_log
from lapel.evidence.identity import load_or_make
from lapel.evidence.manifest import Sealing
from lapel.evidence.trust import Trust
from lapel.evidence.verify import Verdict
from lapel.evidence.verify_log import verify_log


def entry(number: int, event: str = "marker", recording: str = "clip-1") -> AuditEntry:
    return AuditEntry(
        event=event, detail={"recording": recording}, utc=f"2026-11-27T07:00:{number:02}.000Z", mono_s=float(number),
        session="s1", clock_quality="synced",
    )  # fmt: skip


def write_log(root: Path, sealing: Sealing = SEALING) -> AuditPosition:
    store = open_store(root, sealing=sealing)
    position = store.log([entry(1, "recording-started"), entry(2, "recording-saved")])
    for number in range(3, 9):
        position = store.log([entry(number)])
    store.close()
    return position


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    write_recording(tmp_path / "evidence", "clip-1")
    write_log(tmp_path / "evidence")
    return tmp_path / "evidence"


@pytest.fixture
def trusted(tmp_path: Path) -> Trust:
    return trust(tmp_path)


def cut(evidence: Path, first: int, last: int) -> None:
    """Remove lines of the log, counted from 1."""
    (path,) = log_files(evidence)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[: first - 1], *lines[last:]]))


def kinds(evidence: Path, trusted: Trust, head: AuditPosition | None = None) -> list[str]:
    return [finding.kind for finding in verify_log(evidence, trusted, head).findings]


def test_an_untouched_log_is_intact(evidence: Path, trusted: Trust) -> None:
    report = verify_log(evidence, trusted)
    assert (report.verdict, report.findings) == (Verdict.INTACT, [])
    assert [one.entry.mono_s for one in read_log(evidence, trusted).entries] == [float(one) for one in range(1, 9)]


def test_every_changed_byte_is_found(evidence: Path, trusted: Trust) -> None:
    (path,) = log_files(evidence)
    for position in range(0, path.stat().st_size, 29):
        restore = flipped(path, position)
        assert verify_log(evidence, trusted).verdict is Verdict.NOT_INTACT, position
        restore()


def test_removed_entries_are_named_and_known_to_the_next_one(evidence: Path, trusted: Trust) -> None:
    cut(evidence, 5, 7)
    log = read_log(evidence, trusted)
    assert [problem.reason for problem in log.problems] == ["records 5 to 7 are missing"]
    assert [one.follows_problem for one in log.entries if one.follows_problem] == ["records 5 to 7 are missing"]
    assert kinds(evidence, trusted) == ["log-changed"]


def test_a_removed_end_shows_only_against_the_head_that_was_reported(tmp_path: Path, trusted: Trust) -> None:
    head = write_log(tmp_path / "evidence")
    (tmp_path / "evidence" / "clip-1").mkdir()
    assert kinds(tmp_path / "evidence", trusted, head) == []
    cut(tmp_path / "evidence", 8, 9)
    assert kinds(tmp_path / "evidence", trusted) == []
    assert kinds(tmp_path / "evidence", trusted, head) == ["log-shortened"]


def test_a_log_written_anew_differs_from_the_head_that_was_reported(tmp_path: Path, trusted: Trust) -> None:
    head = write_log(tmp_path / "evidence")
    (tmp_path / "evidence" / "clip-1").mkdir()
    shutil.rmtree(tmp_path / "evidence" / ".audit")
    store = open_store(tmp_path / "evidence")
    store.log([entry(number) for number in range(20, 30)])
    store.close()
    assert kinds(tmp_path / "evidence", trusted, head) == ["log-replaced"]


@pytest.mark.parametrize("event", ["recording-deleted", "deletion"])
def test_a_recording_that_is_gone_is_missing_unless_the_log_says_it_was_deleted(
    evidence: Path, trusted: Trust, event: str
) -> None:
    """Power may be lost between the entry before a deletion and the event after it."""
    shutil.rmtree(evidence / "clip-1")
    assert kinds(evidence, trusted) == ["recording-missing"]
    store = open_store(evidence)
    store.log([entry(20, event)])
    store.close()
    assert kinds(evidence, trusted) == []


def test_a_log_signed_by_another_key_is_not_trusted(tmp_path: Path, trusted: Trust) -> None:
    forger = Sealing(load_or_make(tmp_path / "key", "demo/baltimore/cam-0001").signer, SEALING.now)
    write_log(tmp_path / "evidence", forger)
    assert "signer-untrusted" in kinds(tmp_path / "evidence", trusted)


def test_without_a_log_one_line_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="there is no audit log"):
        read_log(tmp_path, Trust())


def test_an_unfinished_last_line_is_no_change(evidence: Path, trusted: Trust) -> None:
    (path,) = log_files(evidence)
    path.write_bytes(path.read_bytes()[:-40])
    assert verify_log(evidence, trusted).verdict is Verdict.INTACT


def test_another_key_within_the_log_is_found_without_a_trusted_authority(evidence: Path, tmp_path: Path) -> None:
    other = load_or_make(tmp_path / "identity", SEALING.camera).signer
    write_log(evidence, Sealing(other, SEALING.now, SEALING.camera))
    (problem,) = read_log(evidence, Trust()).problems
    assert problem.reason == "from record 10 on it is signed by another key"


def test_many_changed_lines_are_named_in_few_words(evidence: Path, trusted: Trust) -> None:
    (path,) = log_files(evidence)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], *[b"rubbish\n"] * 100, *lines[3:]]))
    (follows,) = [one.follows_problem for one in read_log(evidence, trusted).entries if one.follows_problem]
    assert follows.endswith("and more")
    assert len(follows) < 200
