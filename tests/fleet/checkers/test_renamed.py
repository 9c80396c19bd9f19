"""Former names of checkers still work: as functions for `--checker`, and as names that no other checker may take."""

from pathlib import Path

import pytest

from fleet.checkers.records import account, case
from lapel.errors import ConfigError
from lapel_fleet.checkers import back_end, commands, events, recordings, resources, states
from lapel_fleet.checkers.back_end import BACK_END_CHECKERS
from lapel_fleet.checkers.expectations import parsed
from lapel_fleet.checkers.registry import CHECKERS, judge
from lapel_fleet.checkers.renamed import RENAMED, current_function
from lapel_fleet.checkers.user_checkers import load, loaded

EVERY = {**CHECKERS, **BACK_END_CHECKERS}
MODULES = (back_end, commands, events, recordings, resources, states)


def test_every_former_name_leads_to_one_checker_that_exists() -> None:
    assert set(RENAMED.values()) <= set(EVERY)
    assert not set(RENAMED) & set(EVERY)
    assert len(set(RENAMED.values())) == len(RENAMED)


@pytest.mark.parametrize("former", RENAMED)
def test_the_function_of_a_former_name_is_found_in_its_module(former: str) -> None:
    function = former.removeprefix("back-end-").replace("-", "_")
    current = EVERY[RENAMED[former]]
    (module,) = [one for one in MODULES if hasattr(one, current_function(function))]
    assert getattr(module, current_function(function)) is current
    load(f"{module.__name__}:{function}")


def test_a_checker_is_loaded_under_its_former_name() -> None:
    checker = load("lapel_fleet.checkers.recordings:saved_is_said")
    (finding,) = judge([case(accounts=[account()])], {"mine": checker})
    assert finding.failures == ["s/c: clip is complete, which was not announced"]


def test_a_former_name_is_not_free_for_another_checker(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def gaps_are_told(case):\n    yield None\n")
    with pytest.raises(ConfigError, match="the name gaps-are-told is in use; rename the function"):
        loaded([f"{tmp_path}/mine.py:gaps_are_told"])
    with pytest.raises(ConfigError, match="`gaps-are-told` is in use; give it another name"):
        parsed([{"what": "recordings", "at_least": 1, "name": "gaps-are-told"}], "mine.toml")


def test_a_function_of_the_user_is_not_renamed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def gaps_are_reported(case):\n    yield None\n")
    with pytest.raises(ConfigError, match="has no gaps_are_told"):
        load(f"{tmp_path}/mine.py:gaps_are_told")
