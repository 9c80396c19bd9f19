"""A run, judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lapel_fleet.checkers.registry import Finding
from lapel_fleet.runs.run import Run
from lapel_fleet.scenario.faults import Fault

Verdict = Literal["passed", "failed", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Result:
    """A run and what was found."""

    scenario: str
    """As it was named."""
    run: Run
    findings: list[Finding]
    took_s: float
    """Real time."""
    faults: Sequence[Fault] = ()
    """What went wrong on purpose."""
    trace: Path | None = None
    """Where the trace was written, if it was."""
    options: str = "--virtual"
    """How it was run: what the replay line repeats beside the seed."""

    @property
    def verdict(self) -> Verdict:
        """A run that proves nothing is *inconclusive*, whatever was found in it."""
        if self.run.inconclusive:
            return "inconclusive"
        return "failed" if any(finding.failures for finding in self.findings) else "passed"

    @property
    def passed(self) -> bool:
        """Whether it proves something, and no checker found anything."""
        return self.verdict == "passed"

    @property
    def replay(self) -> str:
        """The line that does it again."""
        return " ".join(["lapel-fleet run", self.scenario, *filter(None, [self.options]), f"--seed {self.run.seed}"])
