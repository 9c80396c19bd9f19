"""Which faults of an evidence back end are present, and how often each strikes."""

from collections.abc import Iterable

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel_fleet.scenario.evidence_faults import EVIDENCE_FAULTS

SLOW_BYTES_PER_S = 1_000_000.0
TOKEN_USES = 10


class Faults:
    """The faults that are present, and how often each strikes."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """See `begin` for the names."""
        self._left: dict[str, int | None] = {}
        for name in names:
            self.begin(name)

    def begin(self, name: str) -> None:
        """Begin a fault: `full` strikes until it ends, `full=3` three times. Raises ConfigError for no such fault."""
        kind, _, times = name.partition("=")
        if kind not in EVIDENCE_FAULTS:
            raise ConfigError(f"--fault {name}: there is no fault {kind}{suggestion(kind, EVIDENCE_FAULTS)}")
        if times and not (times.isdecimal() and int(times)):
            raise ConfigError(f"--fault {name}: how often it strikes is a number from 1, as in {kind}=3")
        self._left[kind] = int(times) if times else None

    def end(self, name: str) -> None:
        """End a fault. Harmless when it is not present."""
        self._left.pop(name.partition("=")[0], None)

    def is_present(self, kind: str) -> bool:
        """Whether it would strike now."""
        return kind in self._left

    def strikes(self, kind: str) -> bool:
        """Whether it strikes now; counts it."""
        if kind not in self._left:
            return False
        left = self._left[kind]
        if left == 1:
            del self._left[kind]
        elif left is not None:
            self._left[kind] = left - 1
        return True
