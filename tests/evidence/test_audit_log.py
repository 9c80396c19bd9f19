import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from evidence.recordings import SEALING, open_store
from evidence_keys import SIGNER
from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.errors import StorageError
from lapel.evidence.audit_log import AuditLog, log_files
from lapel.evidence.chain import parse_line
from lapel.evidence.signing import is_signed, public_key


def entry(number: int) -> AuditEntry:
    return AuditEntry(
        event="heartbeat",
        detail={"state": "buffering", "number": number},
        utc="2026-11-27T07:00:00.000Z",
        mono_s=float(number),
        session="session-1",
        clock_quality="synced",
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog(tmp_path)
    yield opened
    opened.close()


def lines(root: Path) -> list[bytes]:
    return [line for path in log_files(root) for line in path.read_bytes().splitlines(keepends=True)]


def records(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line)["record"] for line in lines(root)]


def check_chain(root: Path) -> None:
    previous = None
    for number, line in enumerate(lines(root), 1):
        parsed = parse_line(line)
        assert is_signed(parsed.record, parsed.signature, public_key(SIGNER.certificates[0]))
        record = json.loads(parsed.record)
        assert (record["number"], record["previous"]) == (number, previous)
        previous = hashlib.sha256(line).hexdigest()


def test_entries_are_signed_and_linked_and_the_position_is_that_of_the_last(log: AuditLog, tmp_path: Path) -> None:
    log.append([entry(1)], SEALING)
    position = log.append([entry(2), entry(3)], SEALING)
    check_chain(tmp_path)
    assert position == AuditPosition(4, hashlib.sha256(lines(tmp_path)[-1]).hexdigest())
    assert [record["entry"]["detail"]["number"] for record in records(tmp_path)[1:]] == [1, 2, 3]


def test_the_next_session_goes_on_with_the_same_chain(log: AuditLog, tmp_path: Path) -> None:
    log.append([entry(1)], SEALING)
    log.close()
    later = AuditLog(tmp_path)
    assert later.append([entry(2)], SEALING).count == 4  # each session begins with a record of its own
    later.close()
    check_chain(tmp_path)


def test_a_new_file_goes_on_with_the_same_chain(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, rotate_bytes=500)
    for number in range(1, 8):
        log.append([entry(number)], SEALING)
    log.close()
    assert len(log_files(tmp_path)) > 2
    check_chain(tmp_path)


@pytest.mark.parametrize("torn", [b'{"record":{"entry"', bytes(300), b"\n", b"rubbish\n"])
def test_what_a_power_cut_left_is_kept_beside_and_noted(log: AuditLog, tmp_path: Path, torn: bytes) -> None:
    log.append([entry(1)], SEALING)
    log.close()
    (path,) = log_files(tmp_path)
    path.write_bytes(path.read_bytes() + torn)
    log.append([entry(2)], SEALING)
    check_chain(tmp_path)
    assert [record["kind"] for record in records(tmp_path)] == [
        "audit-open",
        "audit",
        "audit-open",
        "audit-tail",
        "audit",
    ]
    tail = records(tmp_path)[3]["tail"]
    assert (path.parent / tail["kept_as"]).read_bytes() == torn
    assert tail["sha256"] == hashlib.sha256(torn).hexdigest()


def test_a_new_file_that_a_power_cut_left_empty_or_torn_is_used(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, rotate_bytes=1)
    log.append([entry(1)], SEALING)
    log.close()
    for number, torn in ((2, b""), (3, b"{")):
        (tmp_path / ".audit" / f"audit-{number:06}.jsonl").write_bytes(torn)
        log.append([entry(number)], SEALING)
        log.close()
        check_chain(tmp_path)


def test_a_folder_that_was_removed_is_begun_anew(log: AuditLog, tmp_path: Path) -> None:
    """Another card was put in."""
    log.append([entry(1)], SEALING)
    (tmp_path / ".audit").rename(tmp_path / "old card")
    assert log.append([entry(2)], SEALING).count == 2


def test_a_disk_that_fails_leaves_the_chain_as_it_was(tmp_path: Path) -> None:
    fails = False

    def sync(_: int) -> None:
        if fails:
            raise OSError(5, "failed")

    log = AuditLog(tmp_path, sync)
    log.append([entry(1)], SEALING)
    fails = True
    with pytest.raises(StorageError, match="the disk failed"):
        log.append([entry(2)], SEALING)
    fails = False
    assert log.append([entry(2)], SEALING).count == 4
    log.close()
    check_chain(tmp_path)


def test_the_log_is_no_recording(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert store.log([entry(1)]).count == 2
    assert store.recover() == []
    assert store.listing() == []
    store.close()


def test_two_threads_write_to_one_chain(log: AuditLog, tmp_path: Path) -> None:
    """The audit trail and a deletion, in two threads of the camera's worker."""

    def write(first: int) -> None:
        for number in range(first, first + 50):
            log.append([entry(number)], SEALING)

    with ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(write, first) for first in (100, 200)]:
            one.result()
    check_chain(tmp_path)
    assert len(records(tmp_path)) == 101
