"""The report as a folder: `index.html`, which needs no other file, and `report.json`.

The page has no script and loads nothing; its content security policy forbids both, whatever a failure's text contains.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import msgspec

from lapel.errors import StorageError
from lapel_fleet.report.excerpts import Excerpt, excerpts
from lapel_fleet.report.figures import FAULTS_ID, figures
from lapel_fleet.report.formatting import counted, span
from lapel_fleet.report.markup import node
from lapel_fleet.report.page_frame import framed_page, table
from lapel_fleet.report.result import Result
from lapel_fleet.report.summary import CheckerResult, InjectedFault, Interval, Site, Summary, over_time, summarise

_SHOWN, _OPEN = 20, 4
"""Most failures listed for each checker, and those of them that are not folded; `report.json` has all."""
_HEADLINES = {
    "passed": "Passed",
    "failed": "Failed",
    "inconclusive": "Inconclusive",
}


class Report(msgspec.Struct, frozen=True):
    """The content of `report.json`."""

    summary: Summary
    over_time: list[Interval]
    excerpts: dict[str, Excerpt]
    """By failure, for the first 20 of each checker, if a trace was written."""


def write_page(folder: Path, result: Result) -> None:
    """Write the folder, over a report that is there. Raises StorageError when it cannot be written."""
    report = _report(result)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
        (folder / "index.html").write_text(page(report), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written: {error.strerror}") from error


def page(report: Report) -> str:
    """The content of `index.html`."""
    summary = report.summary
    plots = figures(summary, report.over_time)
    return framed_page(
        f"{summary.scenario}: {summary.verdict}",
        _head(summary),
        node(
            "main",
            _section("Verdicts", [_checkers(summary.checkers), *_failures(report)]),
            _section("The run", plots or [node("p", "Nothing was measured during this run.", class_="note")]),
            _section("Sites", [_sites(summary.sites)]),
            _section("Injected faults", [_faults(summary.faults)], FAULTS_ID) if summary.faults else None,
        ),
        node("footer", "Everything on this page, and every interval of the run, is in ",
             node("a", "report.json", href="report.json"), "."),
    )  # fmt: skip


def _report(result: Result) -> Report:
    summary = summarise(result)
    failures = [failure for one in summary.checkers for failure in one.failures[:_SHOWN]]
    intervals = over_time(result.run.samples) if result.run.samples else []
    return Report(summary, intervals, _from_trace(result.trace, failures) if result.trace and failures else {})


def _from_trace(trace: Path, failures: Sequence[str]) -> dict[str, Excerpt]:
    try:
        with trace.open(encoding="utf-8") as lines:
            return excerpts(lines, failures)
    except OSError as error:
        raise StorageError(f"{trace}: cannot be read: {error.strerror}") from error


def _head(summary: Summary) -> Element:
    judged = [one for one in summary.checkers if one.verdict != "skipped"]
    failures = sum(len(one.failures) for one in summary.checkers)
    lead = (
        f"{counted(summary.cameras, 'camera')} in {counted(len(summary.sites), 'site')}, "
        f"{counted(summary.recordings, 'recording')}, {counted(summary.messages, 'message')}. "
        f"{len(judged)} of {counted(len(summary.checkers), 'checker')} judged "
        f"{counted(sum(one.occasions for one in judged), 'occasion')} and found "
        f"{counted(failures, 'failure') if failures else 'no failures'}."
    )
    return node(
        "header",
        node("p", f"lapel-fleet · {summary.scenario}", class_="over"),
        node("h1", _HEADLINES[summary.verdict], class_=summary.verdict),
        *(node("p", f"Inconclusive: {reason}", class_="lead inconclusive") for reason in summary.inconclusive),
        node("p", lead, class_="lead"),
        _facts({
            "Time": f"{span(summary.domain_s)} ({summary.time}) in {summary.took_s:.1f} s: {summary.speed:,.0f} times "
            "real time",
            "Broker": summary.broker,
            "Seed": str(summary.seed),
            "Trace": node("code", f"{summary.trace_sha256} (SHA-256 of {summary.trace_lines:,} lines)"),
            "Replay": node("code", summary.replay),
        }),
    )  # fmt: skip


def _facts(facts: dict[str, Element | str]) -> Element:
    return node("dl", *(part for name, fact in facts.items() for part in (node("dt", name), node("dd", fact))))


def _section(title: str, content: Iterable[Element], id_: str = "") -> Element:
    return node("section", node("h2", title, **({"id": id_} if id_ else {})), *content)


def _checkers(checkers: Sequence[CheckerResult]) -> Element:
    rows = [
        [
            node("span", one.verdict, class_=one.verdict),
            node("a", one.name, href=f"#checker-{number}") if one.failures else one.name,
            f"{one.occasions:,}",
            f"{len(one.failures):,}" if one.failures else "–",
        ]
        for number, one in enumerate(checkers)
    ]
    return table("Verdicts", ["verdict", "checker", "occasions", "failures"], rows, first_number=2)


def _failures(report: Report) -> Iterable[Element]:
    for number, checker in enumerate(report.summary.checkers):
        if checker.failures:
            yield node("h3", checker.name, id=f"checker-{number}")
            shown = [_failure(failure, report.excerpts.get(failure)) for failure in checker.failures[:_SHOWN]]
            yield from shown[:_OPEN]
            if shown[_OPEN:]:
                yield node("details", node("summary", f"… and {len(shown) - _OPEN} more"), *shown[_OPEN:])
            if len(checker.failures) > _SHOWN:
                more = f"… and {len(checker.failures) - _SHOWN:,} more, in report.json."
                yield node("p", more, class_="note")


def _failure(failure: str, excerpt: Excerpt | None) -> Element:
    return node("div", node("p", failure), _excerpt(failure, excerpt) if excerpt else None, class_="failure")


def _excerpt(failure: str, excerpt: Excerpt) -> Element:
    content: list[Element | str] = []
    for number, line in enumerate(excerpt.lines):
        content += [node("mark", line) if number in excerpt.about else line, "\n"]
    head = f"Trace of this camera: {counted(len(excerpt.lines), 'line')}; left out: {excerpt.before:,} before, "
    return node(
        "details",
        node("summary", f"{head}{excerpt.after:,} after"),
        node("pre", *content, tabindex=0, role="region", aria_label=f"Trace around: {failure}"),
    )


def _sites(sites: Sequence[Site]) -> Element:
    rows = [
        [one.site, *(f"{count:,}" for count in (one.cameras, one.recordings, one.refusals, one.failures)),
         "–" if one.messages is None else f"{one.messages:,}"]
        for one in sites
    ]  # fmt: skip
    head = ["site", "cameras", "recordings", "refusals", "failures", "messages"]
    return table("Sites", head, rows, first_number=1)


def _faults(faults: Sequence[InjectedFault]) -> Element:
    rows = [
        [str(number), one.kind, span(one.at_s), span(one.for_s) if one.for_s else "–", f"{one.share:.0%}",
         ", ".join(one.where) or "all cameras"]
        for number, one in enumerate(faults, 1)
    ]  # fmt: skip
    head = ["", "kind", "at", "for", "share of cameras", "where"]
    return table("Injected faults", head, rows, first_number=len(head))
