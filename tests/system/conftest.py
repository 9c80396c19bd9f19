"""Tests in real time, with real processes and browsers: one that fails is run once more.

Several at a time share two cores, and a camera that gets none of them for half a second drops frames, as it should. The
summary counts the tests that were run again (`-rR` names them); what fails twice in a row is no accident.
"""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))
