"""Real brokers: a missing one skips a test, or fails it under LAPEL_REAL=1."""

import os
import shutil

import pytest


def real(name: str) -> str:
    """The path of a real component."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        (pytest.fail if os.environ.get("LAPEL_REAL") == "1" else pytest.skip)(f"{name} is not installed")
    return path
