"""What `lapel-fleet` refuses is reported in one line on standard error."""

import pytest

from lapel_fleet.cli import main


def refusal(typed: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The line that a command prints which ends with exit code 2."""
    assert main(typed.split()) == 2
    line = capsys.readouterr().err
    assert line.startswith("lapel-fleet: ")
    assert line.count("\n") == 1
    return line
