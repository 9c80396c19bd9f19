"""The packages look as `docs/architecture.md` describes them."""

import ast
from pathlib import Path

import pytest

from lapel_fleet import __file__ as fleet_file

ROOT = Path(fleet_file).parent
MARKERS = {"__init__.py", "__pycache__", "py.typed"}
"""Files that every package has and no reader looks for."""


def test_the_simulators_root_has_at_most_a_dozen_entries() -> None:
    entries = {path.name for path in ROOT.iterdir()} - MARKERS
    assert len(entries) <= 12, sorted(entries)


@pytest.mark.parametrize("package", ["firmware/lapel", "simulator/lapel_fleet"])
def test_every_room_has_a_one_line_purpose_that_the_page_repeats(package: str) -> None:
    repository = ROOT.parent.parent
    page = (repository / "docs" / "architecture.md").read_text()
    for init in sorted((repository / package).rglob("__init__.py")):
        if init.parent == repository / package:
            continue
        purpose = (ast.get_docstring(ast.parse(init.read_text())) or "").partition("\n")[0]
        room = init.parent.relative_to(repository / package)
        assert purpose.endswith("."), f"{room}: the first line of its docstring is not a sentence: {purpose!r}"
        assert f"| `{room}/` | {purpose} |" in page, f"{room}: run `make docs`"
