"""A situation of the field."""

from collections.abc import Callable
from dataclasses import dataclass

from lapel_fleet.control.conformance.stage import Script


@dataclass(frozen=True, slots=True)
class Situation:
    """A named situation: what happens, why it matters, and its script."""

    id: str
    """Stable: in JUnit files and on the command line."""
    happens: str
    """What happens, in a sentence. The docstring's first paragraph."""
    matters: str
    """Why a wrong belief matters in the field. The rest of the docstring."""
    script: Script
    is_json: bool = False
    """Whether it is about the topics and the JSON of `lapel/v1`, which a contract of the user's own does not have."""


REGISTERED: dict[str, Situation] = {}
"""By id. `catalogue` has them in the order of the report."""


def situation(*, is_json: bool = False) -> Callable[[Script], Script]:
    """Register a script; its id is the function's name with dashes."""

    def register(script: Script) -> Script:
        happens, _, matters = (script.__doc__ or "").partition("\n\n")
        name = getattr(script, "__name__", "").replace("_", "-")
        REGISTERED[name] = Situation(name, _one_line(happens), _one_line(matters), script, is_json)
        return script

    return register


def _one_line(text: str) -> str:
    return " ".join(text.split())
