"""A user's own checker: found by module or by file, and clear about what is wrong with it."""

from pathlib import Path

import pytest

from fleet.checkers.records import account, case
from lapel.errors import ConfigError
from lapel_fleet.checkers.custom import load, loaded
from lapel_fleet.checkers.registry import CHECKERS, judge

MINE = '''
"""Our own."""

def short_clips(case):
    for account in case[0].accounts:
        yield None if account.duration_s < 60 else f"{account.recording} is long"

def breaks(case):
    yield case[0].no_such_thing

def says_nothing(case):
    pass

def says_numbers(case):
    yield 7

NUMBER = 7
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_one_of_a_file_judges_like_ours(mine: Path) -> None:
    cases = [case(accounts=[account(), account("long", duration_s=90.0)]), case()]
    findings = judge(cases, {**CHECKERS, **loaded([f"{mine}:short_clips"])})
    assert findings[-1].checker == "short-clips"
    assert findings[-1].occasions == 2
    assert findings[-1].failures == ["s/c: long is long"]


def test_one_of_a_module() -> None:
    checker = load("lapel_fleet.checkers.recordings:saved_is_said")
    (finding,) = judge([case(accounts=[account()])], {"again": checker})
    assert finding.verdict == "failed"


def test_two_of_one_name_are_refused(mine: Path) -> None:
    with pytest.raises(ConfigError, match="there is a short-clips already"):
        loaded([f"{mine}:short_clips", f"{mine}:short_clips"])
    with pytest.raises(ConfigError, match="there is a saved-is-said already"):
        loaded(["lapel_fleet.checkers.recordings:saved_is_said"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", "MODULE:FUNCTION or FILE.py:FUNCTION is wanted"),
        (":f", "MODULE:FUNCTION or FILE.py:FUNCTION is wanted"),
        ("nowhere:f", "there is no module nowhere; for a file, say nowhere.py"),
        ("lapel_fleet.nowhere:f", "there is no module lapel_fleet.nowhere"),
        ("{folder}/none.py:f", "there is no file .*none.py"),
        ("{folder}/mine.py:short_clip", "mine.py has no short_clip; did you mean `short_clips`"),
        ("{folder}/mine.py:NUMBER", "NUMBER is no function"),
        ("{folder}/broken.py:f", r"cannot be imported: ZeroDivisionError: .* \(broken.py, line 2\)"),
        ("{folder}/needy.py:f", "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_what_cannot_be_used_is_named(mine: Path, name: str, said: str) -> None:
    (mine.parent / "broken.py").write_text("\n1 / 0\n")
    (mine.parent / "needy.py").write_text("import nowhere\n")
    with pytest.raises(ConfigError, match=rf"^--checker .*{said}"):
        load(name.format(folder=mine.parent))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("breaks", r"s/c: AttributeError: .*no_such_thing.* \(mine.py, line 9\)"),
        ("says_nothing", "s/c: gave None; it must yield None or a text"),
        ("says_numbers", "s/c: yielded 7; None or a text is wanted"),
    ],
)
def test_what_goes_wrong_while_it_judges_is_named(mine: Path, function: str, said: str) -> None:
    checker = load(f"{mine}:{function}")
    with pytest.raises(ConfigError, match=rf"mine.py:{function}: {said}"):
        judge([case()], {"mine": checker})
