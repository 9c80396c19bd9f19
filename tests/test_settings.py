"""Changed settings: on trial first, confirmed only when they work."""

from pathlib import Path

import pytest

from lapel.config import load
from lapel.errors import ConfigError, StorageError
from lapel.settings import Settings

BASE = load(flags={("prebuffer", "length_s"): 10})
LONGER = {"prebuffer": {"length_s": 20}}


def started(path: Path) -> Settings:
    """The settings as a starting process loads them."""
    settings = Settings(BASE, path)
    settings.load()
    settings.mark_started()
    return settings


def start_trial(settings: Settings, changes: dict[str, dict[str, object]], by: str = "4711") -> None:
    settings.start_trial(settings.validate(changes), by)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "configuration.json"


def test_a_confirmed_change_stays_in_force(path: Path) -> None:
    settings = started(path)
    start_trial(settings, LONGER)
    assert (settings.version, settings.on_trial, settings.trial_by) == (1, True, "4711")
    settings.mark_started()
    settings.confirm()
    again = started(path)
    assert (again.version, again.on_trial, again.current.prebuffer.length_s) == (1, False, 20.0)
    assert again.changed_keys() == LONGER


def test_a_change_is_rolled_back_after_a_crash_during_its_trial(path: Path) -> None:
    start_trial(started(path), LONGER)
    started(path)  # starts the trial, and crashes
    again = started(path)
    assert (again.version, again.current.prebuffer.length_s) == (0, 10.0)
    assert "ended before it was confirmed" in again.take_rollback_reason()
    assert again.take_rollback_reason() == ""


def test_a_trial_that_has_not_started_yet_starts_with_the_next_process(path: Path) -> None:
    start_trial(started(path), LONGER)
    assert started(path).on_trial


def test_changes_accumulate_and_version_numbers_are_never_reused(path: Path) -> None:
    settings = started(path)
    start_trial(settings, LONGER)
    settings.confirm()
    start_trial(settings, {"video": {"gop_s": 2.0}})
    settings.roll_back("no frames")
    assert (settings.version, settings.current.video.gop_s) == (1, 1.0)
    start_trial(settings, {"video": {"gop_s": 0.5}})
    assert settings.version == 3
    assert settings.changed_keys() == {**LONGER, "video": {"gop_s": 0.5}}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, "no change is given"),
        ({"prebufer": {"length_s": 3}}, r"\[prebufer\] is no section; did you mean `prebuffer`"),
        ({"prebuffer": {"lenght_s": 3}}, "did you mean `length_s`"),
        ({"prebuffer": {"length_s": 500}}, r"\[prebuffer\] length_s = 500"),
        ({"prebuffer": {"length_s": "3"}}, "length_s"),
        ({"camera": {"state": "/tmp"}}, r"\[camera\] state: cannot be changed"),
        ({"live": {"listen": "0.0.0.0:80"}}, r"\[live\] listen: cannot be changed"),
    ],
)
def test_an_invalid_change_is_named_and_changes_nothing(
    path: Path, changes: dict[str, dict[str, object]], error: str
) -> None:
    settings = started(path)
    with pytest.raises(ConfigError, match=error):
        start_trial(settings, changes)
    assert (settings.version, path.exists()) == (0, False)


def test_a_change_made_for_another_version_is_refused(path: Path) -> None:
    settings = started(path)
    assert settings.validate(LONGER, base_version=0).number == 1
    with pytest.raises(ConfigError, match="made for version 3, but version 0 is in force"):
        settings.validate(LONGER, base_version=3)


@pytest.mark.parametrize("content", [b"", b"{", b'{"confirmed": 1}', b'{"confirmed": {"changes": {"gone": {"x": 1}}}}'])
def test_an_unusable_file_is_set_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    settings = started(path)
    assert settings.version == 0
    assert "set aside" in settings.take_rollback_reason()
    (damage,) = settings.damage.take()
    assert damage.kept_as == "configuration.json.damaged-1"
    assert path.with_name(damage.kept_as).read_bytes() == content


def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(BASE, tmp_path / "no" / "such" / "configuration.json")
    with pytest.raises(StorageError, match=r"configuration\.json: the configuration cannot be written"):
        start_trial(settings, LONGER)
    assert not settings.on_trial
