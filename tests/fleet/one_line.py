"""What `lapel-fleet` refuses, it refuses in one line."""

import pytest

from lapel_fleet.cli import main


def refusal(typed: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said to it; exit code 2."""
    assert main(typed.split()) == 2
    line = capsys.readouterr().err
    assert line.startswith("lapel-fleet: ")
    assert line.count("\n") == 1
    return line
