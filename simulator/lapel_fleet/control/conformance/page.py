"""The result of an examination as a web page that needs no other file."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from lapel.errors import StorageError
from lapel.sanitize import plain
from lapel_fleet.control.conformance.examination import LedThere, Outcome
from lapel_fleet.control.conformance.output import Result, replay
from lapel_fleet.report.markup import node
from lapel_fleet.report.page_frame import framed_page, table

_CLASSES = {"not-applicable": "skipped"}
"""Verdicts that have another name in the style sheet."""


def write_page(path: Path, result: Result) -> None:
    """Write the page. Raises StorageError when it cannot be written."""
    try:
        path.write_text(page(result), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def page(result: Result) -> str:
    """The content of the page."""
    failed = [one for one in result.outcomes if one.verdict == "failed"]
    return framed_page(
        f"Conformance: {result.verdict}",
        _head(result),
        node(
            "main",
            node("section", node("h2", "Situations"), table("Situations", *_rows(result), first_number=2)),
            node("section", node("h2", "Failures"), *(part for one in failed for part in _failure(one, result.seed)))
            if failed
            else None,
        ),
    )


def _head(result: Result) -> Element:
    counts = result.counts
    lead = f"{counts['passed']} passed, {counts['failed']} failed, {counts['not-applicable']} not applicable."
    facts = {"Broker": result.broker, "Seed": str(result.seed), "Time": f"{result.took_s:.1f} s"}
    return node(
        "header",
        node("p", "lapel-fleet conformance", class_="over"),
        node("h1", result.verdict.capitalize(), class_=result.verdict),
        node("p", lead, class_="lead"),
        node("dl", *(part for name, fact in facts.items() for part in (node("dt", name), node("dd", fact)))),
    )


def _rows(result: Result) -> tuple[list[str], list[list[Element | str]]]:
    rows: list[list[Element | str]] = [
        [
            node("span", one.verdict, class_=_CLASSES.get(one.verdict, one.verdict)),
            node("div", _name(one), node("div", one.reason or one.happens, class_="note")),
            f"{one.took_s:.2f} s",
        ]
        for one in result.outcomes
    ]
    return ["verdict", "situation", "took"], rows


def _name(outcome: Outcome) -> Element:
    return node("a", outcome.id, href=f"#{outcome.id}") if outcome.verdict == "failed" else node("span", outcome.id)


def _failure(outcome: Outcome, seed: int) -> Iterator[Element]:
    yield node("h3", outcome.id, id=outcome.id)
    yield node("p", outcome.happens)
    yield node("p", outcome.matters, class_="note")
    for belief in outcome.wrong:
        facts = {"Camera": belief.camera, "Question": belief.question, "Believed": belief.believed, "True": belief.true}
        facts |= {"Problem": belief.problem} if belief.problem else {}
        yield node("dl", *(one for name, fact in facts.items() for one in (node("dt", name), node("dd", plain(fact)))))
    yield node(
        "details",
        node("summary", "The messages that led there"),
        node("pre", *_lines(outcome.messages), tabindex=0, role="region", aria_label=f"Messages of {outcome.id}"),
    )
    yield node("p", "Replay: ", node("code", replay(outcome, seed)), class_="note")


def _lines(messages: list[LedThere]) -> Iterator[Element | str]:
    for one in messages:
        yield node("mark", plain(str(one))) if one.note else plain(str(one))
        yield f"\n             {plain(one.payload)}\n"
