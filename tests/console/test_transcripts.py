"""Every session in `transcripts/` gives exactly the output that the file shows. How to write one: `transcript.py`."""

from pathlib import Path

import pytest

from console.transcript import FOLDER, HELP, help_instructions, replayed


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: str(path.stem))
def test_a_session_gives_the_output_of_its_transcript(path: Path) -> None:
    text = path.read_text()
    assert replayed(text) == text, f"{path.name} is stale: PYTHONPATH=tests .venv/bin/python -m console.transcript"


def test_the_help_of_every_command_has_a_transcript() -> None:
    instructions = [line for line in HELP.read_text().splitlines() if line.startswith(("@ ", "#"))]
    assert instructions == help_instructions().splitlines()
