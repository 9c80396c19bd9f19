"""Every session in `transcripts/` goes today as it is written there. How to write one: `transcript.py`."""

from pathlib import Path

import pytest

from console.transcript import FOLDER, HELP, help_orders, played


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: str(path.stem))
def test_it_goes_as_written(path: Path) -> None:
    text = path.read_text()
    assert played(text) == text, f"{path.name} is stale: PYTHONPATH=tests .venv/bin/python -m console.transcript"


def test_the_help_of_every_command_is_among_them() -> None:
    orders = [line for line in HELP.read_text().splitlines() if line.startswith(("@ ", "#"))]
    assert orders == help_orders().splitlines()
