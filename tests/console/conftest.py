from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """For evidence, under a name that is the same everywhere."""
    monkeypatch.chdir(tmp_path)
    Path("evidence").mkdir()
    return Path("evidence")
