"""The durable notes: they survive a restart, and a damaged one costs one recording's progress."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.errors import StorageError
from lapel.offload.interface import Arrived, OutgoingRecording, Part
from lapel.offload.progress import FolderNotes, MemoryNotes, ProgressBook, RecordingProgress
from lapel.own_files import DamageReports
from lapel.worker import InlineWorker
from offload.back_ends import clip

NOTE = RecordingProgress(
    recording="a", clips=("a", "b"), items={"a/video.mp4": Arrived(upload="u", parts=(Part(5, "e"),))}, requested_by="7"
)


def test_a_note_is_read_back_as_it_was(tmp_path: Path) -> None:
    FolderNotes(tmp_path / "offload", DamageReports()).save(NOTE)
    assert FolderNotes(tmp_path / "offload", DamageReports()).load() == {"a": NOTE}


@given(position=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_damaged_note_is_set_aside_and_reported(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int
) -> None:
    folder, damage = tmp_path_factory.mktemp("notes"), DamageReports()
    notes = FolderNotes(folder, damage)
    notes.save(NOTE)
    notes.save(RecordingProgress(recording="c"))
    data = bytearray((folder / "a.json").read_bytes())
    data[position % len(data)] ^= 1 << bit
    (folder / "a.json").write_bytes(data)
    found = notes.load()
    assert found.get("a", NOTE) == NOTE
    assert "c" in found
    assert len(damage.take()) == (0 if "a" in found else 1)


def test_a_note_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "offload").write_text("in the way")
    with pytest.raises(StorageError, match="nothing is offloaded meanwhile"):
        FolderNotes(tmp_path / "offload", DamageReports()).save(NOTE)


def test_forgetting_what_is_not_there_is_harmless(tmp_path: Path) -> None:
    FolderNotes(tmp_path, DamageReports()).forget("a")


async def test_a_recording_is_found_by_any_of_its_clips() -> None:
    book = ProgressBook(MemoryNotes(), InlineWorker())
    await book.note(NOTE)
    assert book.of(OutgoingRecording([clip("b", continues="a")])) == NOTE
    assert book.of(OutgoingRecording([clip("c")])) == RecordingProgress(recording="c")
    await book.forget_gone({"b"})
    assert book.all() == [NOTE]
    await book.forget_gone({"c"})
    assert book.all() == []
