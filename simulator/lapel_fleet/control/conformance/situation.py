"""A situation of the field: a named script, and why it matters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lapel_fleet.control.conformance.stage import Script

S = TypeVar("S", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class NamedScript(Generic[S]):
    """A situation: what happens, why it matters, and its script."""

    id: str
    """Stable: in JUnit files and on the command line. The function's name with dashes."""
    happens: str
    """What happens, in a sentence. The docstring's first paragraph."""
    matters: str
    """Why a wrong belief matters in the field. The rest of the docstring."""
    script: S
    is_json: bool = False
    """Whether it is about the topics and the JSON of `lapel/v1`, which a contract of the user's own does not have."""


Situation = NamedScript[Script]
REGISTERED: dict[str, Situation] = {}
"""By id. `catalogue` has them in the order of the report."""


def situation(*, is_json: bool = False) -> Callable[[Script], Script]:
    """Register a script."""

    def register(script: Script) -> Script:
        one = named(script, is_json=is_json)
        REGISTERED[one.id] = one
        return script

    return register


def named(script: S, *, is_json: bool = False) -> NamedScript[S]:
    """The situation of a script, with the words of its docstring."""
    happens, _, matters = (script.__doc__ or "").partition("\n\n")
    id_ = getattr(script, "__name__", "").replace("_", "-")
    return NamedScript(id_, _one_line(happens), _one_line(matters), script, is_json)


def _one_line(text: str) -> str:
    return " ".join(text.split())
