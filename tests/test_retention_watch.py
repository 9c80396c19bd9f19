"""A camera deletes what may go, says so, and keeps the rest."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from camera_harness import CameraHarness, run_steps
from evidence.recordings import SEALING
from lapel.app import retention_of
from lapel.clock import Quality, iso
from lapel.config import load
from lapel.errors import EvidenceError
from lapel.evidence.deletion import RecordingDeleter
from lapel.evidence.retention import RetentionRules
from lapel.evidence.store import EvidenceStore
from lapel.states import State
from receipts import BACK_END, confirm


def deleter(store: EvidenceStore, keep: timedelta = timedelta(hours=2)) -> RecordingDeleter:
    return RecordingDeleter(store, RetentionRules(keep), [BACK_END.public_key()])


async def record(harness: CameraHarness) -> Path:
    """The folder of a recording of three seconds."""
    before = {account.recording for account in harness.store.listing()}
    harness.camera.press()
    await harness.clock.sleep(3)
    harness.camera.press()
    await harness.clock.sleep(1)
    (recording,) = {account.recording for account in harness.store.listing()} - before
    return harness.root / recording


def test_a_recording_goes_some_time_after_its_import_and_the_others_stay(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(5)
        imported, other = await record(harness), await record(harness)
        confirm(imported, iso(harness.clock.now().utc))
        await harness.clock.sleep(2 * 3600 - 60)
        assert imported.exists()
        await harness.clock.sleep(2 * 3600)
        assert not imported.exists()
        assert other.exists()
        (event,) = harness.link.events("recording-deleted")
        assert event.detail == {"recording": imported.name, "back_end": "Store"}
        log = "".join(path.read_text() for path in harness.root.glob(".audit/*.jsonl"))
        assert log.index('"event":"deletion"') < log.index('"event":"recording-deleted"')

    run_steps(tmp_path, steps, retention=deleter, flags={("link", "telemetry_s"): 600})


@pytest.mark.parametrize("quality", ["unsynced", "unknown"])
def test_with_a_clock_that_is_not_set_nothing_goes(tmp_path: Path, quality: Quality) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(5)
        imported = await record(harness)
        confirm(imported, iso(harness.clock.now().utc))
        harness.clock.trusted = quality
        await harness.clock.sleep(4 * 3600)
        assert imported.exists()
        harness.clock.trusted = "synced"
        await harness.clock.sleep(3600)
        assert not imported.exists()

    run_steps(tmp_path, steps, retention=deleter, flags={("link", "telemetry_s"): 600})


def test_without_a_back_end_nothing_is_ever_deleted(tmp_path: Path) -> None:
    assert retention_of(load(flags={("evidence", "keep_days"): 0}), EvidenceStore(tmp_path)) is None


def test_a_back_ends_key_that_is_missing_is_named_at_the_start(tmp_path: Path) -> None:
    config = load(flags={("evidence", "back_ends"): str(tmp_path / "backend.pub")})
    with pytest.raises(EvidenceError, match=r"backend\.pub: cannot be read"):
        retention_of(config, EvidenceStore(tmp_path))


class SmallCard(EvidenceStore):
    """A card with room for one recording."""

    def free_bytes(self) -> int:
        return 1_000_000 - 900_000 * len(self.listing())


@pytest.fixture
def card(tmp_path: Path) -> Iterator[SmallCard]:
    found = SmallCard(tmp_path, 500_000, sealing=lambda: SEALING)
    yield found
    found.close()


def test_a_full_card_is_a_fault_and_makes_room_as_soon_as_something_may_go(card: SmallCard) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(5)
        recording = await record(harness)
        await harness.clock.sleep(60)
        assert harness.camera.state is State.FAULT
        assert "full" in harness.camera.status().reason
        harness.camera.press()
        await harness.clock.sleep(1)
        assert harness.link.events("refused")
        confirm(recording, iso(harness.clock.now().utc))
        await harness.clock.sleep(4 * 60)
        assert harness.camera.state is State.FAULT
        await harness.clock.sleep(3 * 60)
        assert not recording.exists()
        assert harness.camera.state is State.BUFFERING

    flags = {("recording", "min_free_bytes"): 500_000}
    run_steps(card.root, steps, storage=card, retention=lambda _: deleter(card, timedelta(minutes=5)), flags=flags)
