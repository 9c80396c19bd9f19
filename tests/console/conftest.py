from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The evidence folder, under a relative path that is the same on every machine."""
    monkeypatch.chdir(tmp_path)
    Path("evidence").mkdir()
    return Path("evidence")
