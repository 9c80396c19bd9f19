"""The result as text, JSON and JUnit."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fleet.control.conformance.back_ends import Naive
from lapel.errors import StorageError
from lapel_fleet.control.conformance import output, page
from lapel_fleet.control.conformance.catalogue import chosen
from lapel_fleet.control.conformance.examination import Examiner
from lapel_fleet.control.conformance.subject import MemorySubject


def result(*ids: str) -> output.Result:
    found = list(Examiner(MemorySubject(Naive()), 7).examine(chosen(ids)))
    return output.Result(seed=7, broker="in memory", took_s=1.25, outcomes=found)


def test_the_json_has_the_verdict_and_every_outcome() -> None:
    shown = json.loads(output.as_json(result("late-will", "power-is-lost", "restart")))
    assert (shown["format"], shown["verdict"], shown["seed"]) == ("lapel-conformance-1", "failed", 7)
    verdicts = {one["id"]: one["verdict"] for one in shown["outcomes"]}
    assert verdicts == {"late-will": "failed", "power-is-lost": "passed", "restart": "not-applicable"}


def test_nothing_but_not_applicable_is_no_pass() -> None:
    assert result("restart").verdict == "inconclusive"


def test_junit_has_a_case_for_each_situation_whatever_the_messages_contain(tmp_path: Path) -> None:
    output.write_junit(tmp_path / "r.xml", result("malformed-messages", "power-is-lost", "restart"))
    suite = ElementTree.parse(tmp_path / "r.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    by_id = {one.get("name"): one for one in suite.iter("testcase")}
    failure = by_id["malformed-messages"].find("failure")
    assert failure is not None
    assert "replay" not in (failure.text or "")
    assert "lapel-fleet conformance malformed-messages --seed 7" in (failure.text or "")
    skipped = by_id["restart"].find("skipped")
    assert skipped is not None
    assert "does not answer" in (skipped.get("message") or "")


def test_the_page_shows_each_failure_and_no_message_becomes_markup() -> None:
    shown = page.page(result("malformed-messages", "late-will", "power-is-lost", "restart"))
    assert 'href="#late-will"' in shown
    assert "<mark>" in shown
    assert "Replay: <code>lapel-fleet conformance late-will --seed 7</code>" in shown
    assert "default-src 'none'" in shown
    assert "<script" not in shown


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        output.write_junit(tmp_path / "missing" / "r.xml", result("power-is-lost"))


def test_a_failure_as_text_has_everything_that_is_needed() -> None:
    (one,) = result("late-will").outcomes
    text = "\n".join(output.outcome_lines(one))
    for part in ("FAILED", "late-will", "Why it matters", "believed  offline", "true      recording", "last will of"):
        assert part in text
