"""The verdicts for CI, as JUnit XML."""

from pathlib import Path
from xml.etree import ElementTree

from lapel.errors import StorageError
from lapel_fleet.report.result import Result
from lapel_fleet.report.summary import Checked, summarise

CONCLUSIVE = "run-is-conclusive"
"""The test case beside the checkers' own: an error where the run proves nothing."""


def write_junit(path: Path, result: Result) -> None:
    """One test case a checker, under an id that stays. Raises StorageError when the file cannot be written."""
    summary = summarise(result)
    verdicts = [one.verdict for one in summary.checkers]
    suite = ElementTree.Element(
        "testsuite",
        name=f"lapel-fleet.{summary.scenario}",
        tests=str(len(verdicts) + 1),
        failures=str(verdicts.count("failed")),
        errors=str(int(bool(summary.inconclusive))),
        skipped=str(verdicts.count("skipped")),
        time=str(summary.took_s),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("seed", "trace_sha256", "broker", "time", "replay"):
        ElementTree.SubElement(properties, "property", name=name, value=str(getattr(summary, name)))
    conclusive = ElementTree.SubElement(suite, "testcase", classname="lapel-fleet", name=CONCLUSIVE)
    if summary.inconclusive:
        error = ElementTree.SubElement(conclusive, "error", message=summary.inconclusive[0])
        error.text = "\n".join([*summary.inconclusive, "", summary.replay])
    for one in summary.checkers:
        _add_case(suite, one, summary.replay)
    try:
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def _add_case(suite: ElementTree.Element, checked: Checked, replay: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname="lapel-fleet", name=checked.name)
    if checked.verdict == "failed":
        failure = ElementTree.SubElement(case, "failure", message=checked.failures[0])
        failure.text = "\n".join([*checked.failures, "", replay])
    elif checked.verdict == "skipped":
        ElementTree.SubElement(case, "skipped", message="no occasion")
