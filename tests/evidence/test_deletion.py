from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.recordings import flipped, open_store, write_recording
from lapel.audit_entry import AuditEntry
from lapel.errors import StorageError
from lapel.evidence.deletion import RecordingDeleter
from lapel.evidence.receipt_files import RECEIPT
from lapel.evidence.recorded_footage import footage_in
from lapel.evidence.retention import RetentionRules
from lapel.evidence.store import EvidenceStore
from receipts import BACK_END, confirm

RECEIVED_AT = "2026-11-27T12:00:00.000Z"
LATER = datetime(2026, 12, 27, tzinfo=UTC)
RULES = RetentionRules(timedelta(days=7), {"use of force": timedelta(days=365)})
ENTRY = AuditEntry(event="deletion", detail={}, utc="", mono_s=0.0, session="s", clock_quality="synced")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EvidenceStore]:
    for recording in ("clip-1", "clip-2"):
        write_recording(tmp_path / "evidence", recording)
    opened = open_store(tmp_path / "evidence")
    yield opened
    opened.close()


@pytest.fixture
def deleter(store: EvidenceStore) -> RecordingDeleter:
    return RecordingDeleter(store, RULES, [BACK_END.public_key()])


def expired(deleter: RecordingDeleter, now: datetime = LATER) -> list[str]:
    return [one.recording for one in deleter.expired(now)]


def audited(store: EvidenceStore) -> str:
    return "".join(path.read_text() for path in store.root.glob(".audit/*.jsonl"))


def test_only_what_is_confirmed_and_whose_time_has_passed_may_go(
    store: EvidenceStore, deleter: RecordingDeleter
) -> None:
    assert expired(deleter) == []
    confirm(store.root / "clip-2", RECEIVED_AT)
    assert expired(deleter, datetime(2026, 12, 1, tzinfo=UTC)) == []
    assert expired(deleter) == ["clip-2"]


def test_a_category_that_is_kept_longer_stays(store: EvidenceStore, deleter: RecordingDeleter) -> None:
    confirm(store.root / "clip-1", RECEIVED_AT, "use of force")
    assert expired(deleter) == []


def test_a_deletion_is_audited_before_it_happens(store: EvidenceStore, deleter: RecordingDeleter) -> None:
    confirm(store.root / "clip-1", RECEIVED_AT)
    deleter.delete("clip-1", LATER, ENTRY)
    assert [account.recording for account in store.listing()] == ["clip-2"]
    assert not (store.root / "clip-1").exists()
    assert '"event":"deletion"' in audited(store)


def test_what_was_recorded_is_known_after_a_deletion(store: EvidenceStore, deleter: RecordingDeleter) -> None:
    before = list(footage_in(store.root))
    confirm(store.root / "clip-1", RECEIVED_AT)
    deleter.delete("clip-1", LATER, ENTRY)
    left = sorted(path.name for path in (store.root / ".deleted" / "clip-1").iterdir())
    assert left == ["manifest.jsonl", "receipt.json"]
    assert sorted(footage_in(store.root), key=str) == sorted(before, key=str)


@pytest.mark.parametrize("recording", ["clip-1", "clip-9"])
def test_what_may_not_go_is_refused_and_stays(store: EvidenceStore, deleter: RecordingDeleter, recording: str) -> None:
    with pytest.raises(StorageError, match="may not be deleted: no back end has confirmed"):
        deleter.delete(recording, LATER, ENTRY)
    assert len(store.listing()) == 2
    assert "deletion" not in audited(store)


def test_a_receipt_of_a_stranger_or_for_another_recording_counts_for_nothing(
    store: EvidenceStore, deleter: RecordingDeleter
) -> None:
    confirm(store.root / "clip-1", RECEIVED_AT, key=Ed25519PrivateKey.generate())
    confirm(store.root / "clip-2", RECEIVED_AT)
    (store.root / "clip-2" / RECEIPT).rename(store.root / "kept")
    confirm(store.root / "clip-1", RECEIVED_AT)
    (store.root / "clip-1" / RECEIPT).rename(store.root / "clip-2" / RECEIPT)
    assert expired(deleter) == []


def test_a_recording_whose_manifest_is_damaged_stays(store: EvidenceStore, deleter: RecordingDeleter) -> None:
    confirm(store.root / "clip-1", RECEIVED_AT)
    flipped(store.root / "clip-1" / "manifest.jsonl", 2_000)
    assert expired(deleter) == []


def test_a_full_card_that_takes_no_audit_entry_deletes_nothing(
    tmp_path: Path, store: EvidenceStore, deleter: RecordingDeleter
) -> None:
    confirm(store.root / "clip-1", RECEIVED_AT)
    (store.root / ".audit").write_text("no folder")
    with pytest.raises(StorageError):
        deleter.delete("clip-1", LATER, ENTRY)
    assert len(store.listing()) == 2


def test_what_a_power_cut_left_half_removed_is_removed_the_next_time(
    store: EvidenceStore, deleter: RecordingDeleter
) -> None:
    (store.root / ".deleted").mkdir()
    (store.root / "clip-1").rename(store.root / ".deleted" / "clip-1")
    assert expired(deleter) == []
    assert [path.name for path in (store.root / ".deleted" / "clip-1").iterdir()] == ["manifest.jsonl"]
    assert [account.recording for account in store.listing()] == ["clip-2"]
