from pathlib import Path

import pytest

from audit_logs import audit_lines, write_audit_log
from evidence.recordings import SEALING, open_store
from lapel.audit_entry import AuditEntry
from lapel.errors import EvidenceError
from lapel.evidence.anchor import Head
from lapel.evidence.audit_lines import camera_folders, departure, newest_head
from lapel.evidence.chain import line_hash

LINES = audit_lines(10)
ANCHORED = Head(10, line_hash(LINES[9]))


@pytest.mark.parametrize("count", range(1, 11))
def test_the_newest_head_is_the_last_line_of_the_last_file(tmp_path: Path, count: int) -> None:
    write_audit_log(tmp_path, LINES[:count])
    assert newest_head(tmp_path) == Head(count, line_hash(LINES[count - 1]))


def test_a_torn_last_line_does_not_count(tmp_path: Path) -> None:
    write_audit_log(tmp_path, [*LINES[:8], LINES[8][:40]])
    assert newest_head(tmp_path) == Head(8, line_hash(LINES[7]))


def test_a_log_that_has_grown_leads_to_what_was_anchored(tmp_path: Path) -> None:
    write_audit_log(tmp_path, audit_lines(15))
    assert departure(tmp_path, ANCHORED) is None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (LINES[:7], "ends with record 7; 10 records were anchored"),
        ([], "ends with record 0"),
        (LINES[:4] + LINES[6:], "record 7 does not follow record 4"),
        (LINES[:4] + audit_lines(12, begin_s=0.5)[4:], "record 5 does not follow record 4"),
        (audit_lines(12, begin_s=0.5), "record 10 is not the one that was anchored"),
    ],
)
def test_a_log_that_lost_or_changed_records_departs(tmp_path: Path, lines: list[bytes], reason: str) -> None:
    write_audit_log(tmp_path, lines)
    assert reason in (departure(tmp_path, ANCHORED) or "")


def test_a_log_whose_old_records_are_gone_says_nothing(tmp_path: Path) -> None:
    write_audit_log(tmp_path, audit_lines(12)[10:])
    with pytest.raises(EvidenceError, match="begins with record 11; record 10 was anchored"):
        departure(tmp_path, ANCHORED)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    write_audit_log(tmp_path, [*LINES[:3], b"rubbish\n"])
    with pytest.raises(EvidenceError, match=r"audit-000001\.jsonl, line 4 is not a record"):
        newest_head(tmp_path)
    assert departure(tmp_path, ANCHORED) == "audit-000001.jsonl, line 4 is not a record with its signature"


def test_cameras_are_found_by_their_path(tmp_path: Path) -> None:
    for camera in ("demo/baltimore/cam-1", "demo/oakland/cam-1"):
        write_audit_log(tmp_path / camera, LINES)
    assert list(camera_folders(tmp_path)) == ["demo/baltimore/cam-1", "demo/oakland/cam-1"]
    with pytest.raises(EvidenceError, match="no folder in it"):
        camera_folders(tmp_path / "demo" / "oakland" / "cam-1" / ".audit")


def write_as_camera(root: Path, entries: int) -> None:
    store = open_store(root)
    for _ in range(entries):
        store.log([AuditEntry(event="x", detail={}, utc="", mono_s=0.0, session="s", clock_quality="synced")])
    store.close()


def test_the_log_of_a_camera_says_whose_it_is(tmp_path: Path) -> None:
    write_as_camera(tmp_path / "any name", 3)
    ((camera, folder),) = camera_folders(tmp_path).items()
    assert (camera, folder) == (SEALING.camera, tmp_path / "any name")
    assert camera_folders(folder) == {camera: folder}
    anchored = newest_head(folder)
    assert anchored.count == 4
    write_as_camera(folder, 2)
    assert departure(folder, anchored) is None


def test_two_logs_of_the_same_camera_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_as_camera(tmp_path / name, 1)
    with pytest.raises(EvidenceError, match=f"both hold the audit log of {SEALING.camera}"):
        camera_folders(tmp_path)
