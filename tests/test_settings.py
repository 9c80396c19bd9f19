"""Settings that change: on trial first, and never for good unless they work."""

from pathlib import Path

import pytest

from lapel.config import load
from lapel.errors import ConfigError, StorageError
from lapel.settings import Settings

BASE = load(flags={("prebuffer", "length_s"): 10})
LONGER = {"prebuffer": {"length_s": 20}}


def started(path: Path) -> Settings:
    """As a process finds them."""
    settings = Settings(BASE, path)
    settings.load()
    settings.begin()
    return settings


def try_out(settings: Settings, changes: dict[str, dict[str, object]], by: str = "4711") -> None:
    settings.try_out(settings.checked(changes), by)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "configuration.json"


def test_a_change_that_is_confirmed_stays(path: Path) -> None:
    settings = started(path)
    try_out(settings, LONGER)
    assert (settings.version, settings.on_trial, settings.trial_by) == (1, True, "4711")
    settings.begin()
    settings.confirm()
    again = started(path)
    assert (again.version, again.on_trial, again.current.prebuffer.length_s) == (1, False, 20.0)
    assert again.changed_keys() == LONGER


def test_a_camera_that_died_with_a_change_starts_without_it(path: Path) -> None:
    try_out(started(path), LONGER)
    started(path)  # began the trial, and died
    again = started(path)
    assert (again.version, again.current.prebuffer.length_s) == (0, 10.0)
    assert "did not live" in again.take_roll_back()
    assert again.take_roll_back() == ""


def test_a_change_that_was_not_even_begun_is_tried_at_the_next_start(path: Path) -> None:
    try_out(started(path), LONGER)
    assert started(path).on_trial


def test_changes_add_up_and_numbers_are_never_given_again(path: Path) -> None:
    settings = started(path)
    try_out(settings, LONGER)
    settings.confirm()
    try_out(settings, {"video": {"gop_s": 2.0}})
    settings.roll_back("no pictures")
    assert (settings.version, settings.current.video.gop_s) == (1, 1.0)
    try_out(settings, {"video": {"gop_s": 0.5}})
    assert settings.version == 3
    assert settings.changed_keys() == {**LONGER, "video": {"gop_s": 0.5}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "nothing is to be changed"),
        ({"prebufer": {"length_s": 3}}, r"\[prebufer\] is no section; did you mean `prebuffer`"),
        ({"prebuffer": {"lenght_s": 3}}, "did you mean `length_s`"),
        ({"prebuffer": {"length_s": 500}}, r"\[prebuffer\] length_s = 500"),
        ({"prebuffer": {"length_s": "3"}}, "length_s"),
        ({"camera": {"state": "/tmp"}}, r"\[camera\] state: cannot be changed"),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(
    path: Path, changes: dict[str, dict[str, object]], said: str
) -> None:
    settings = started(path)
    with pytest.raises(ConfigError, match=said):
        try_out(settings, changes)
    assert (settings.version, path.exists()) == (0, False)


def test_a_change_made_for_another_version_is_refused(path: Path) -> None:
    settings = started(path)
    assert settings.checked(LONGER, base_version=0).number == 1
    with pytest.raises(ConfigError, match="made for version 3, version 0 is in force"):
        settings.checked(LONGER, base_version=3)


@pytest.mark.parametrize("content", [b"", b"{", b'{"confirmed": 1}', b'{"confirmed": {"changes": {"gone": {"x": 1}}}}'])
def test_a_file_that_cannot_be_used_is_set_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    settings = started(path)
    assert settings.version == 0
    assert "set aside" in settings.take_roll_back()
    assert path.with_suffix(".damaged").read_bytes() == content


def test_a_disk_that_takes_nothing_leaves_all_as_it_was(tmp_path: Path) -> None:
    settings = Settings(BASE, tmp_path / "no" / "configuration.json")
    with pytest.raises(StorageError, match=r"configuration\.json: the configuration cannot be kept"):
        try_out(settings, LONGER)
    assert not settings.on_trial
