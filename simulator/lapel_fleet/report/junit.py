"""The verdicts as JUnit XML, for CI."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from lapel.errors import StorageError
from lapel_fleet.report.result import Result
from lapel_fleet.report.summary import CheckerResult, summarise

CONCLUSIVE = "run-is-conclusive"
"""The test case beside those of the checkers: an error if the verdict is *inconclusive*."""


def write_junit(path: Path, result: Result) -> None:
    """Write one test case for each checker, and a second one under the former name of a renamed checker, so that the
    history of that id goes on. Raises StorageError when the file cannot be written.
    """
    summary = summarise(result)
    cases = list(_cases(summary.checkers, summary.replay))
    suite = ElementTree.Element(
        "testsuite",
        name=f"lapel-fleet.{summary.scenario}",
        tests=str(len(cases) + 1),
        failures=str(sum(one.find("failure") is not None for one in cases)),
        errors=str(int(bool(summary.inconclusive))),
        skipped=str(sum(one.find("skipped") is not None for one in cases)),
        time=str(summary.took_s),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("seed", "trace_sha256", "broker", "time", "replay"):
        ElementTree.SubElement(properties, "property", name=name, value=str(getattr(summary, name)))
    for note in summary.notes:
        ElementTree.SubElement(properties, "property", name="note", value=note)
    conclusive = ElementTree.SubElement(suite, "testcase", classname="lapel-fleet", name=CONCLUSIVE)
    if summary.inconclusive:
        error = ElementTree.SubElement(conclusive, "error", message=summary.inconclusive[0])
        error.text = "\n".join([*summary.inconclusive, "", summary.replay])
    suite.extend(cases)
    write_suite(path, suite)


def write_suite(path: Path, suite: ElementTree.Element) -> None:
    """Write a test suite. Raises StorageError when the file cannot be written."""
    try:
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def _cases(checkers: list[CheckerResult], replay: str) -> Iterator[ElementTree.Element]:
    for one in checkers:
        yield _case(one.name, one, replay)
        if one.former_name:
            former = _case(one.former_name, one, replay)
            note = f"renamed to {one.name}; the next release no longer writes this test case"
            ElementTree.SubElement(former, "system-out").text = note
            yield former


def _case(name: str, checker: CheckerResult, replay: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname="lapel-fleet", name=name)
    if checker.verdict == "failed":
        failure = ElementTree.SubElement(case, "failure", message=checker.failures[0])
        failure.text = "\n".join([*checker.failures, "", replay])
    elif checker.verdict == "inconclusive":
        skipped = ElementTree.SubElement(case, "skipped", message=f"inconclusive: {checker.inconclusive}")
        skipped.text = "\n".join(checker.failures)
    elif checker.verdict == "skipped":
        ElementTree.SubElement(case, "skipped", message="no occasion")
    return case
