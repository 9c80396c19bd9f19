"""Manifests and audit log of a card in memory are those of a real card."""

import json

from accounts import account
from evidence.recordings import SEALING, ended
from fragments import clip_fragments
from lapel.audit_entry import AuditEntry
from lapel.evidence.chain import parse_line
from lapel.evidence.signing import is_signed, public_key
from lapel_fleet.hardware.fleet_signer import fleet_sealing
from lapel_fleet.hardware.memory_storage import MemoryStorage


def records(card: MemoryStorage, recording: str = "clip-1") -> list[str]:
    """The kinds of a manifest's records, which are signed and follow each other."""
    key, previous, kinds = public_key(SEALING.signer.certificates[0]), None, []
    for number, line in enumerate(card.manifest(recording).splitlines(keepends=True), 1):
        parsed = parse_line(line)
        record = json.loads(parsed.record)
        assert is_signed(parsed.record, parsed.signature, key)
        assert (record["number"], record["previous"]) == (number, previous)
        previous = parsed.sha256
        kinds.append(record["kind"])
    return kinds


def test_a_clip_in_memory_has_the_same_records_as_on_a_card() -> None:
    card, clip = MemoryStorage(sealing=SEALING), clip_fragments(3)
    files = card.create(account())
    files.append(clip)
    files.describe(ended(account(), clip, "complete"))
    files.close()
    assert records(card) == ["open", *["fragment"] * 3, "marker", "gap", "close"]


def test_an_interrupted_clip_is_closed_by_the_next_session() -> None:
    card = MemoryStorage(sealing=SEALING)
    files = card.create(account())
    files.append(clip_fragments(2))
    (found,) = card.recover()
    assert (found.status, found.fragments) == ("interrupted", 2)
    assert records(card) == ["open", "fragment", "fragment", "recovered"]


def test_the_audit_log_is_signed_and_kept_only_where_it_is_asked_for() -> None:
    entry = AuditEntry(event="marker", detail={}, utc="", mono_s=1.0, session="s", clock_quality="synced")
    positions = []
    for keeps_audit in (False, True):
        card = MemoryStorage(sealing=SEALING, keeps_audit=keeps_audit)
        positions.append(card.log([entry, entry]))
        assert card.audit == ([entry, entry] if keeps_audit else None)
    assert positions[0] == positions[1]
    assert positions[0].count == 2


def test_the_fleets_key_is_the_same_in_every_run() -> None:
    first, second = (fleet_sealing("demo/site/cam", SEALING.now) for _ in range(2))
    assert first.signer.sign(b"data") == second.signer.sign(b"data")
