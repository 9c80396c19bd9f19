"""The result of an examination: as text, as JSON, and as JUnit XML with a stable id for each situation."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from lapel.errors import StorageError
from lapel_fleet.control.conformance.examination import Outcome

FORMAT = "lapel-conformance-1"
"""Under it no key of the JSON is removed, renamed or changed in meaning."""
SUITE = "lapel-conformance"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes of all situations."""

    format: str = FORMAT
    seed: int
    broker: str
    """Its address; `in memory` without one."""
    took_s: float
    outcomes: list[Outcome]

    @property
    def counts(self) -> Counter[str]:
        """How many situations have each verdict."""
        return Counter(one.verdict for one in self.outcomes)

    @property
    def verdict(self) -> str:
        """*failed* with a failure; *passed* with none and at least one passed; else *inconclusive*."""
        if self.counts["failed"]:
            return "failed"
        return "passed" if self.counts["passed"] else "inconclusive"


def replay(outcome: Outcome, seed: int) -> str:
    """The command that runs one situation again. The options of probe and broker come behind it."""
    return f"lapel-fleet conformance {outcome.id} --seed {seed}"


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """One situation as text: a line, and for a failure what was believed, what is true, and what led there."""
    yield f"{outcome.verdict.upper() if outcome.verdict == 'failed' else outcome.verdict:<15} {outcome.id}"
    if outcome.verdict == "not-applicable":
        yield f"    {outcome.reason}"
    if outcome.verdict == "failed":
        yield from failure_lines(outcome)


def failure_lines(outcome: Outcome) -> Iterator[str]:
    """What a failure looks like."""
    yield f"    {outcome.happens}"
    yield f"    Why it matters: {outcome.matters}"
    for belief in outcome.wrong:
        yield f"    {belief.camera}: {belief.question}"
        yield f"        believed  {belief.believed}"
        yield f"        true      {belief.true}"
        if belief.problem:
            yield f"        {belief.problem}"
    yield "    The messages that led there:"
    yield from (f"        {line}" for line in outcome.messages)


def summary_line(result: Result) -> str:
    """The result in a line."""
    counts = result.counts
    return (
        f"{result.verdict.upper()}: {counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['not-applicable']} not applicable; {result.took_s:.1f} s, seed {result.seed}, {result.broker}"
    )


def as_json(result: Result) -> str:
    """The whole result as one JSON object on a line, with its verdict."""
    return msgspec.json.encode({**msgspec.to_builtins(result), "verdict": result.verdict}).decode()


def write_junit(path: Path, result: Result) -> None:
    """Write a test case for each situation. Raises StorageError when the file cannot be written."""
    counts = result.counts
    suite = ElementTree.Element(
        "testsuite", name=SUITE, tests=str(len(result.outcomes)), failures=str(counts["failed"]), errors="0",
        skipped=str(counts["not-applicable"]), time=f"{result.took_s:.3f}",
    )  # fmt: skip
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("seed", str(result.seed)), ("broker", result.broker)):
        ElementTree.SubElement(properties, "property", name=name, value=value)
    suite.extend(_case(one, result.seed) for one in result.outcomes)
    try:
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def _case(outcome: Outcome, seed: int) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=SUITE, name=outcome.id, time=f"{outcome.took_s:.3f}")
    if outcome.verdict == "failed":
        failure = ElementTree.SubElement(case, "failure", message=_xml(str(outcome.wrong[0])))
        failure.text = _xml("\n".join([*failure_lines(outcome), "", replay(outcome, seed)]))
    elif outcome.verdict == "not-applicable":
        ElementTree.SubElement(case, "skipped", message=f"not applicable: {outcome.reason}")
    return case


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold: malformed messages are part of failures."""
    return "".join(char if char in "\n\t" or char.isprintable() else "·" for char in text)
