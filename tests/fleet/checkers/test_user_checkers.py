"""A user's own checker is loaded from a module or a file; errors name what is wrong with it."""

from pathlib import Path

import pytest

from fleet.checkers.records import account, case
from lapel.errors import ConfigError
from lapel_fleet.checkers.registry import CHECKERS, judge
from lapel_fleet.checkers.user_checkers import load, loaded

MINE = '''
"""Checkers of a user."""

def short_clips(case):
    for account in case[0].accounts:
        yield None if account.duration_s < 60 else f"{account.recording} is long"

def breaks(case):
    yield case[0].no_such_thing

def returns_nothing(case):
    pass

def yields_numbers(case):
    yield 7

NUMBER = 7
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_a_checker_from_a_file_judges_like_the_built_in_ones(mine: Path) -> None:
    cases = [case(accounts=[account(), account("long", duration_s=90.0)]), case()]
    findings = judge(cases, {**CHECKERS, **loaded([f"{mine}:short_clips"])})
    assert findings[-1].checker == "short-clips"
    assert findings[-1].occasions == 2
    assert findings[-1].failures == ["s/c: long is long"]


def test_a_checker_from_a_module() -> None:
    checker = load("lapel_fleet.checkers.recordings:saved_recordings_are_announced")
    (finding,) = judge([case(accounts=[account()])], {"again": checker})
    assert finding.verdict == "failed"


def test_a_name_in_use_is_refused(mine: Path) -> None:
    with pytest.raises(ConfigError, match="the name short-clips is in use"):
        loaded([f"{mine}:short_clips", f"{mine}:short_clips"])
    with pytest.raises(ConfigError, match="the name saved-recordings-are-announced is in use"):
        loaded(["lapel_fleet.checkers.recordings:saved_recordings_are_announced"])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("mine", "give MODULE:FUNCTION or FILE.py:FUNCTION"),
        (":f", "give MODULE:FUNCTION or FILE.py:FUNCTION"),
        ("nowhere:f", "there is no module nowhere; for a file, give nowhere.py"),
        ("lapel_fleet.nowhere:f", "there is no module lapel_fleet.nowhere"),
        ("{folder}/none.py:f", "there is no file .*none.py"),
        ("{folder}/mine.py:short_clip", "mine.py has no short_clip; did you mean `short_clips`"),
        ("{folder}/mine.py:NUMBER", "NUMBER is not a function"),
        ("{folder}/broken.py:f", r"cannot be imported: ZeroDivisionError: .* \(broken.py, line 2\)"),
        ("{folder}/needy.py:f", "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_an_unusable_name_is_an_error(mine: Path, name: str, error: str) -> None:
    (mine.parent / "broken.py").write_text("\n1 / 0\n")
    (mine.parent / "needy.py").write_text("import nowhere\n")
    with pytest.raises(ConfigError, match=rf"^--checker .*{error}"):
        load(name.format(folder=mine.parent))


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("breaks", r"s/c: AttributeError: .*no_such_thing.* \(mine.py, line 9\)"),
        ("returns_nothing", "s/c: returned None; it must yield None or a text"),
        ("yields_numbers", "s/c: yielded 7; yield None or a text"),
    ],
)
def test_a_failing_checker_is_an_error_with_its_line(mine: Path, function: str, error: str) -> None:
    checker = load(f"{mine}:{function}")
    with pytest.raises(ConfigError, match=rf"mine.py:{function}: {error}"):
        judge([case()], {"mine": checker})
