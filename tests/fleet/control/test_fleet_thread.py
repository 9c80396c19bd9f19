"""`fleet.check()` raises for failures that are proved, and only for these."""

import pytest

from lapel_fleet.checkers.registry import Finding
from lapel_fleet.control.fleet_thread import VerdictError, require_no_failures

INCONCLUSIVE = Finding("markers-are-kept", 1, ["a/b: lost"], "amqtt loses messages")


def test_an_inconclusive_checker_does_not_fail_a_test() -> None:
    assert require_no_failures([INCONCLUSIVE]) == [INCONCLUSIVE]


def test_a_failure_fails_it_and_names_no_inconclusive_one() -> None:
    with pytest.raises(VerdictError, match="gaps-are-reported: a/b: gap") as raised:
        require_no_failures([INCONCLUSIVE, Finding("gaps-are-reported", 1, ["a/b: gap"])])
    assert "markers-are-kept" not in str(raised.value)
