"""The generated parts of the documentation are current."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_generated_documentation_is_current() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for path, text in generate.generated().items():
        assert path.read_text() == text, f"{path.name} is stale: make docs"
