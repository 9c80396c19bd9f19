"""Files that a camera reads back: damaged, edited, or something else in their place."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import account
from lapel import own_files
from lapel.config import load
from lapel.console.candidate import UnconfirmedChange, UnconfirmedFile
from lapel.console.login import Secrets
from lapel.errors import DamagedFileError, StorageError
from lapel.evidence.disk import UnreadableAccount, read_account, write_account
from lapel.own_files import DamageReports
from lapel.settings import Settings

BASE = load(flags={("prebuffer", "length_s"): 10})
CHANGE = UnconfirmedChange(
    undo={"prebuffer": {"length_s": 5}}, deadline=datetime(2026, 11, 24, tzinfo=UTC), within_s=60
)


class Sample(msgspec.Struct):
    text: str
    numbers: list[int] = []


# -- documents -------------------------------------------------------------------------------------------------------


@given(st.text(), st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_a_document_reads_back_as_it_was_written(text: str, numbers: list[int]) -> None:
    assert own_files.decode(own_files.encode(Sample(text, numbers)), Sample) == Sample(text, numbers)


def test_no_single_flipped_bit_goes_unnoticed_or_changes_what_is_read() -> None:
    whole = own_files.encode(Sample("a recording", [1, 22, 333]))
    noticed = 0
    for bit in range(8 * len(whole)):
        try:
            assert own_files.decode(flipped(whole, bit), Sample) == Sample("a recording", [1, 22, 333])
        except DamagedFileError:
            noticed += 1
    assert noticed > 0.8 * 8 * len(whole)  # the others are in the name of the checksum itself


@given(st.binary(max_size=200))
def test_anything_else_is_damage(text: bytes) -> None:
    with pytest.raises(DamagedFileError):
        own_files.decode(b"[" + text, Sample)


def test_a_document_of_an_earlier_version_has_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('{"text": "old"}')
    assert own_files.read(tmp_path / "file", Sample) == Sample("old")


# -- what may be in a file's place -----------------------------------------------------------------------------------

IN_ITS_PLACE: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/hostname"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "nothing but zeros": lambda path: path.write_bytes(bytes(4096)),
    "invalid UTF-8": lambda path: path.write_bytes(b'{"text": "\xff", "confirmed": {"by": "\xff"}, "service": "\xff"}'),
    "deep nesting": lambda path: path.write_bytes(b'{"text":' + 100_000 * b"["),
    "a huge file": lambda path: (path.touch(), os.truncate(path, 2**40)),
    "a number too large": lambda path: path.write_text('{"text": 1e999, "newest": 1e999, "undo": {"a": {"b": 1e999}}}'),
}


@dataclass(frozen=True)
class OwnFile:
    """One of the camera's files: how it comes to be, and how it is read."""

    name: str
    write: Callable[[Path], Any]
    read: Callable[[Path, DamageReports], Any]
    absent: Any


def read_settings(path: Path, damage: DamageReports) -> tuple[int, float]:
    settings = Settings(BASE, path, damage)
    settings.load()
    return settings.version, settings.current.prebuffer.length_s


def write_settings(path: Path) -> None:
    settings = Settings(BASE, path)
    settings.start_trial(settings.validate({"prebuffer": {"length_s": 20}}), "4711")
    settings.confirm()


def secret(path: Path, damage: DamageReports) -> str:
    return Secrets(path, cost=2, damage=damage).check("service", "correct horse")


OWN_FILES = [
    OwnFile("configuration.json", write_settings, read_settings, (0, 10.0)),
    OwnFile(
        "unconfirmed.json",
        lambda path: UnconfirmedFile(path).write(CHANGE),
        lambda path, damage: UnconfirmedFile(path, damage).load(),
        None,
    ),
    OwnFile("logins.json", lambda path: Secrets(path, cost=2).set("service", "correct horse"), secret, "unset"),
]


@pytest.mark.parametrize("file", OWN_FILES, ids=lambda file: file.name)
@pytest.mark.parametrize("what", IN_ITS_PLACE)
def test_what_is_in_a_file_s_place_is_set_aside_and_reported(file: OwnFile, what: str, tmp_path: Path) -> None:
    path, damage = tmp_path / file.name, DamageReports()
    IN_ITS_PLACE[what](path)
    assert file.read(path, damage) == file.absent
    (found,) = damage.take()
    assert (found.file, found.kept_as) == (str(path), f"{file.name}.damaged-1")
    assert os.path.lexists(tmp_path / found.kept_as)
    assert not os.path.lexists(path)
    file.write(path)
    assert file.read(path, damage) != file.absent
    assert damage.take() == []


@pytest.mark.parametrize("file", OWN_FILES, ids=lambda file: file.name)
def test_no_flipped_bit_of_a_file_is_believed(file: OwnFile, tmp_path: Path) -> None:
    path = tmp_path / file.name
    file.write(path)
    whole = path.read_bytes()
    expected = file.read(path, DamageReports())
    assert expected != file.absent
    for bit in range(0, 8 * len(whole), 7):
        damage = DamageReports()
        path.write_bytes(flipped(whole, bit))
        found = file.read(path, damage)
        if damage.take():
            assert found == file.absent
            next(tmp_path.glob("*.damaged-*")).unlink()
        else:
            assert found == expected


@pytest.mark.parametrize("file", OWN_FILES, ids=lambda file: file.name)
def test_a_file_is_for_its_owner_only(file: OwnFile, tmp_path: Path) -> None:
    path = tmp_path / "state" / file.name
    file.write(path)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_disk_that_does_not_give_a_file_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "not a folder").write_text("")
    with pytest.raises(StorageError, match=r"configuration\.json: cannot be read"):
        Settings(BASE, tmp_path / "not a folder" / "configuration.json").load()


def test_a_file_that_cannot_be_renamed_is_reported_all_the_same(tmp_path: Path) -> None:
    damage = own_files.set_aside(tmp_path / "gone", "it is damaged")
    assert (
        str(damage) == f"{tmp_path}/gone: cannot be used (it is damaged; renaming it: No such file or directory); "
        "it could not be renamed"
    )


def test_no_flipped_bit_of_an_account_is_believed(tmp_path: Path) -> None:
    folder = tmp_path / "clip-1"
    folder.mkdir()
    write_account(folder, account())
    path = folder / "recording.json"
    whole, expected = path.read_bytes(), read_account(folder)
    for bit in range(0, 8 * len(whole), 5):
        path.write_bytes(flipped(whole, bit))
        with contextlib.suppress(UnreadableAccount):
            assert read_account(folder) == expected


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
