"""The result of a run: for people, for scripts, for CI."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from lapel.errors import StorageError
from lapel_fleet.checkers.fleet import Finding
from lapel_fleet.run import Run

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Result:
    """A run and what was found. `took_s` is real time."""

    scenario: str
    run: Run
    findings: list[Finding]
    took_s: float

    @property
    def passed(self) -> bool:
        """Whether no checker found anything."""
        return not any(finding.failures for finding in self.findings)

    @property
    def replay(self) -> str:
        """The line that does it again."""
        return f"lapel-fleet run {self.scenario} --virtual --seed {self.run.seed}"


def as_text(result: Result) -> str:
    """A line for each checker with its occasions, then what failed, the trace's hash and the line that replays it."""
    run = result.run
    lines = []
    for finding in result.findings:
        lines.append(f"  {finding.verdict:<8}{finding.occasions:>8}  {finding.checker}")
        lines += [f"{'':20}{failure}" for failure in finding.failures[:_SHOWN]]
        if len(finding.failures) > _SHOWN:
            lines.append(f"{'':20}… and {len(finding.failures) - _SHOWN} more")
    speed = run.domain_s / result.took_s if result.took_s else 0.0
    recordings = sum(len(truth.accounts) for truth, _ in run.cases)
    lines += [
        f"{len(run.cases)} cameras, {recordings} recordings, {run.messages} messages; {run.domain_s:.0f} s in "
        f"{result.took_s:.1f} s ({speed:.0f} times real time)",
        f"trace sha256 {run.trace_sha256} ({run.trace_lines} lines)",
        f"{'passed' if result.passed else 'FAILED'}; again: {result.replay}",
    ]
    return "\n".join(lines)


def as_json(result: Result) -> str:
    """The same for scripts: one object."""
    run = result.run
    return json.dumps(
        {
            "scenario": result.scenario,
            "passed": result.passed,
            "seed": run.seed,
            "cameras": len(run.cases),
            "messages": run.messages,
            "domain_s": round(run.domain_s, 3),
            "took_s": round(result.took_s, 3),
            "trace_sha256": run.trace_sha256,
            "replay": result.replay,
            "checkers": [
                {"name": one.checker, "verdict": one.verdict, "occasions": one.occasions, "failures": one.failures}
                for one in result.findings
            ],
        }
    )


def write_junit(path: Path, result: Result) -> None:
    """One test case a checker, under an id that stays. Raises StorageError when the file cannot be written."""
    suite = ElementTree.Element("testsuite", name=f"lapel-fleet.{result.scenario}", tests=str(len(result.findings)))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("seed", result.run.seed), ("trace_sha256", result.run.trace_sha256), ("broker", "virtual")):
        ElementTree.SubElement(properties, "property", name=name, value=str(value))
    for finding in result.findings:
        case = ElementTree.SubElement(suite, "testcase", classname="lapel-fleet", name=finding.checker)
        if finding.verdict == "failed":
            failure = ElementTree.SubElement(case, "failure", message=finding.failures[0])
            failure.text = "\n".join([*finding.failures, "", result.replay])
        elif finding.verdict == "skipped":
            ElementTree.SubElement(case, "skipped", message="no occasion")
    failed = sum(finding.verdict == "failed" for finding in result.findings)
    skipped = sum(finding.verdict == "skipped" for finding in result.findings)
    suite.set("failures", str(failed))
    suite.set("skipped", str(skipped))
    try:
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def progress_line(out: TextIO) -> Callable[[float], None]:
    """Shows the share that is over on a terminal; says nothing elsewhere."""
    if not out.isatty():
        return lambda _: None

    def show(share: float) -> None:
        out.write(f"\r{share:4.0%}" if share < 1 else "\r\x1b[K")
        out.flush()

    return show
