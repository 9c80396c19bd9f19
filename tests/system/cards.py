"""A real memory card: a small tmpfs. Needs root; LAPEL_REAL=1 makes it a must."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def mount(*arguments: str) -> None:
    """What may not be mounted skips a test, or fails it where all must be there."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        refuse = pytest.fail if os.environ.get("LAPEL_REAL") == "1" else pytest.skip
        refuse(f"mount {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def card(place: Path, size: str) -> Iterator[Path]:
    """A card of `size` (`1m`) at `place`, an empty folder, until the block ends."""
    mount("-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
