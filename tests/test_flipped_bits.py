"""A card that flips bits, under a whole camera: it starts every time, reports what it set aside, and records."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from camera_folder import BASE, EVENTS, SECRET, write_camera_folder
from camera_harness import CameraHarness, run_steps
from evidence.recordings import SEALING
from lapel.console.candidate import UnconfirmedFile
from lapel.console.console_log import FileConsoleLog
from lapel.console.login import Secrets
from lapel.evidence.store import EvidenceStore
from lapel.link.journal import Changes, Waiting
from lapel.link.sqlite_journal import SqliteJournal
from lapel.policy.declarations import Declarations
from lapel.settings import Settings
from lapel.wearer_store import WearerStore
from lapel.worker import InlineWorker


def own_files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != ".lapel.lock")


@dataclass(frozen=True)
class Start:
    """What one start of the camera read, reported and recorded."""

    read: dict[str, object]
    """By name of the file."""
    damaged: set[str]
    """Names of the files that it reported."""
    recorded: str
    """Status of the recording that was made."""


def start_and_record(root: Path) -> Start:
    """A start that reads all of the camera's files, and a recording of three seconds."""
    state = root / ".lapel"
    settings = Settings(BASE, state / "configuration.json")
    settings.load()
    settings.mark_started()
    journal = SqliteJournal(state / "outbox.sqlite", settings.damage)
    kept = journal.load()
    journal.apply(Changes(added=[Waiting(10_000, EVENTS[0].message)]))
    journal.close()
    declarations = Declarations(state / "declarations.json", settings.damage)
    declarations.load()
    wearer = WearerStore(state / "wearer.json", settings.damage)
    wearer.load()
    read: dict[str, object] = {
        "declarations.json": declarations.contexts(),
        "wearer.json": wearer.notes.assigned,
        "configuration.json": (settings.version, settings.current.prebuffer.length_s),
        "outbox.sqlite": kept.waiting,
        "logins.json": Secrets(state / "logins.json", cost=2, damage=settings.damage).check("service", SECRET),
        "unconfirmed.json": UnconfirmedFile(state / "unconfirmed.json", settings.damage).load(),
    }
    store = EvidenceStore(root, 0, damage=settings.damage, sealing=lambda: SEALING)

    async def record(harness: CameraHarness) -> None:
        await FileConsoleLog(state / "console.jsonl", harness.clock, InlineWorker()).append("login", role="service")
        await harness.clock.sleep(3)
        harness.camera.press()
        await harness.clock.sleep(3)
        harness.camera.press()
        await harness.clock.sleep(1)

    try:
        harness = run_steps(root, record, storage=store, settings=settings)
        listed = {one.recording: one for one in store.listing()}
    finally:
        store.close()
    (saved,) = harness.link.events("recording-saved")
    read["whole/recording.json"] = listed["whole"]
    read["cut-off/recording.json"] = (listed["cut-off"].status, listed["cut-off"].camera)
    damaged = {str(event.detail["file"]) for event in harness.link.events("file-damaged")}
    return Start(
        read,
        {name for name in read if str(root / name) in damaged or str(state / name) in damaged},
        listed[str(saved.detail["recording"])].status,
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("flips", [40, pytest.param(2_000, marks=pytest.mark.soak)])
def test_a_camera_starts_reports_and_records_whatever_bit_was_flipped(tmp_path: Path, flips: int) -> None:
    intact, root, rng = tmp_path / "intact", tmp_path / "camera", random.Random(flips)
    intact.mkdir()
    write_camera_folder(intact)
    shutil.copytree(intact, root)
    expected = start_and_record(root)
    assert (expected.damaged, expected.recorded) == (set(), "complete")
    found = 0
    for number in range(flips):
        shutil.rmtree(root)
        shutil.copytree(intact, root)
        file = own_files(root)[number % len(own_files(root))]
        content, bit = bytearray(file.read_bytes()), rng.randrange(8 * file.stat().st_size)
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        start = start_and_record(root)
        assert start.recorded == "complete"
        believed = {name: value for name, value in start.read.items() if name not in start.damaged}
        assert believed == {name: expected.read[name] for name in believed}, f"bit {bit} of {file}"
        found += bool(start.damaged)
    print(f"{found} of {flips} flips were found and reported; the others changed nothing that is read")
    assert found > flips / 5
