"""`lapel-camera`, with each file that it opens noted: `python opened_files_command.py NOTES ARGUMENT…`."""

import os
import sys
from pathlib import Path
from typing import Any

from lapel.cli import main

_OPENING = {"open", "sqlite3.connect"}


def run(notes: Path, arguments: list[str]) -> int:
    """Run the command. Each file that it opens becomes a line of `notes`."""
    with notes.open("a", buffering=1) as file:

        def note(event: str, details: tuple[Any, ...]) -> None:
            if event in _OPENING and isinstance(details[0], str | bytes | os.PathLike) and not file.closed:
                file.write(f"{os.fsdecode(details[0])}\n")

        sys.addaudithook(note)
        return main(arguments)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
