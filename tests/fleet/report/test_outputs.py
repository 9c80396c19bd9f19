"""One summary, told as text, JSON and JUnit."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from fleet.report.observed import smoke
from lapel.errors import StorageError
from lapel_fleet.checkers.registry import Finding
from lapel_fleet.report import Result, as_json, as_text, summarise, write_junit

HOSTILE = "baltimore/cam-0001: \x1b]0;owned\x07 \x00 \ud800 \u202e ]]> <b> & \n again"


def failing(*failures: str) -> Result:
    return replace(smoke(), findings=[*smoke().findings, Finding("mine", 99, list(failures))])


def inconclusive() -> Result:
    return replace(smoke(), run=msgspec.structs.replace(smoke().run, inconclusive=["the broker was gone"]))


def test_the_text_fits_a_screen_and_ends_with_how_to_do_it_again() -> None:
    text = as_text(failing(*(f"baltimore/cam-0001: {number}" for number in range(500))))
    lines = text.splitlines()
    assert len(lines) <= 40
    assert "… and 497 more" in text
    assert lines[-1] == "FAILED; again: lapel-fleet run smoke --virtual --seed 3"


def test_the_text_tells_occasions_sites_latencies_and_rates() -> None:
    text = as_text(smoke())
    assert any(line.split() == ["passed", "10", "the-retained-state-is-true"] for line in text.splitlines())
    assert "site " in text
    assert "command to its end" in text
    assert "messages a second" in text
    assert text.splitlines()[-1].startswith("passed; again")


def test_what_strangers_say_gives_a_terminal_no_orders() -> None:
    result = failing(HOSTILE)
    shown = as_text(replace(result, scenario="\x1b[2J.toml"))
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert len(shown.splitlines()) == len(as_text(failing("baltimore/cam-0001: x")).splitlines())


def test_a_run_that_proves_nothing_says_so_whatever_was_found(tmp_path: Path) -> None:
    result = inconclusive()
    assert (result.verdict, result.passed) == ("inconclusive", False)
    assert "it proves nothing: the broker was gone" in as_text(result)
    write_junit(tmp_path / "junit.xml", result)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert suite.get("errors") == "1"
    error = suite.find("testcase[@name='run-is-conclusive']/error")
    assert error is not None
    assert error.get("message") == "the broker was gone"


def test_the_keys_of_the_json_stay() -> None:
    """Documented in docs/simulator.md: scripts of others read them."""
    told = json.loads(as_json(failing("baltimore/cam-0001: x")))
    assert list(told) == [
        "format", "scenario", "verdict", "passed", "inconclusive", "seed", "time", "broker", "replay", "cameras",
        "recordings", "messages", "domain_s", "took_s", "trace_sha256", "trace_lines", "checkers", "latencies", "rates",
        "sites", "faults",
    ]  # fmt: skip
    assert told["checkers"][-1] == {
        "name": "mine", "verdict": "failed", "occasions": 99, "failures": ["baltimore/cam-0001: x"],
    }  # fmt: skip
    assert list(told["latencies"]["commands"]) == ["count", "p50_s", "p99_s", "max_s"]
    assert list(told["rates"]["event"]) == ["count", "per_s", "peak_per_s"]
    assert list(told["sites"][0]) == ["site", "cameras", "recordings", "refusals", "failures", "messages"]


def test_sites_and_rates_add_up_to_the_whole() -> None:
    summary = summarise(failing("baltimore/cam-0001: x", "buffalo/cam-0001: y", "buffalo/cam-0002: z"))
    assert sum(site.cameras for site in summary.sites) == summary.cameras == 10
    assert sum(site.recordings for site in summary.sites) == summary.recordings > 0
    assert {site.site: site.failures for site in summary.sites if site.failures} == {"baltimore": 1, "buffalo": 2}
    by_kind, by_site = sum(one.count for one in summary.rates.values()), sum(one.messages or 0 for one in summary.sites)
    assert by_kind == by_site > 0


def test_without_samples_there_is_less_to_tell_and_nothing_is_made_up() -> None:
    result = replace(smoke(), run=msgspec.structs.replace(smoke().run, samples=None))
    summary = summarise(result)
    assert (summary.latencies, summary.rates, {site.messages for site in summary.sites}) == ({}, {}, {None})
    assert "passed" in as_text(result)


def test_junit_has_one_stable_id_a_checker_and_what_ran(tmp_path: Path) -> None:
    result = failing(HOSTILE)
    write_junit(tmp_path / "junit.xml", result)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()  # would not parse with a NUL or a lone surrogate in it
    cases = suite.findall("testcase")
    assert [one.get("name") for one in cases] == ["run-is-conclusive", *(one.checker for one in result.findings)]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(len(cases)), "1", "0")
    skipped = suite.findall("testcase/skipped")
    assert suite.get("skipped") == str(len(skipped)) != "0"
    properties = {one.get("name"): one.get("value") for one in suite.iterfind("properties/property")}
    assert properties == {
        "seed": "3", "trace_sha256": result.run.trace_sha256, "broker": "virtual", "time": "virtual",
        "replay": result.replay,
    }  # fmt: skip
    failure = suite.find("testcase[@name='mine']/failure")
    assert failure is not None
    assert (failure.text or "").endswith("lapel-fleet run smoke --virtual --seed 3")


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written: No such file"):
        write_junit(tmp_path / "no" / "junit.xml", smoke())
