"""The generated parts of the documentation are current."""

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

from docs.wiring import WIRES, drawing

ROOT = Path(__file__).parent.parent


def test_the_generated_documentation_is_current() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for path, text in generate.generated().items():
        assert path.read_text() == text, f"{path.name} is stale: make docs"


def test_the_wiring_drawing_is_current_and_fits_the_guide() -> None:
    assert (ROOT / "docs" / "wiring.svg").read_text() == drawing()
    guide = (ROOT / "docs" / "raspberry-pi.md").read_text()
    drawn = {int(wire.pin.split()[1].rstrip(",")) for wire in WIRES if wire.pin.startswith("GPIO")}
    named = {int(found[1]) for found in re.finditer(r"^\w+ = (\d+)\b", guide, re.MULTILINE)}
    assert named <= drawn, "every pin of the example is drawn"
    ElementTree.fromstring(drawing())
