"""The result of a run: the run and the findings of the checkers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lapel_fleet.checkers.registry import Finding, overall
from lapel_fleet.runs.run import Run
from lapel_fleet.scenario.faults import Fault

Verdict = Literal["passed", "failed", "inconclusive"]
_ALL_DISTURBED = (
    "the messages of every camera were disturbed behind it by `delivery` faults: no checker of the firmware applies. "
    "They are for a back end: examine it with `lapel-fleet conformance`, or ask it from a test"
)


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run and its findings."""

    scenario: str
    """As the user named it: a name or a file."""
    run: Run
    findings: list[Finding]
    took_s: float
    """Real time."""
    faults: Sequence[Fault] = ()
    """The faults that were injected."""
    trace: Path | None = None
    """The trace file, if one was written."""
    options: str = "--virtual"
    """The options that the replay command needs beside the seed."""

    @property
    def verdict(self) -> Verdict:
        """*Inconclusive* if the run proves nothing, whatever failed; or if a checker proves nothing and none failed."""
        return "inconclusive" if self._unproved else overall(self.findings)

    @property
    def inconclusive(self) -> list[str]:
        """Why the verdict is *inconclusive*; empty for another verdict."""
        if self.verdict != "inconclusive":
            return []
        inconclusive = [one for one in self.findings if one.verdict == "inconclusive"]
        reasons = dict.fromkeys(one.inconclusive for one in inconclusive)
        return [*self._unproved, *reasons]

    @property
    def _unproved(self) -> list[str]:
        """Why the whole run proves nothing; empty when it does."""
        is_disturbed = bool(self.run.cases) and all(actual.delivery_faults for actual, _ in self.run.cases)
        return [*self.run.inconclusive, *([_ALL_DISTURBED] if is_disturbed else [])]

    @property
    def passed(self) -> bool:
        """Whether the run is conclusive and no checker failed."""
        return self.verdict == "passed"

    @property
    def replay(self) -> str:
        """The command that repeats the run."""
        return " ".join(["lapel-fleet run", self.scenario, *filter(None, [self.options]), f"--seed {self.run.seed}"])
