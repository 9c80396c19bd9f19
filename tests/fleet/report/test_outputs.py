"""The summary as text, JSON and JUnit."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from fleet.report.observed import smoke
from lapel.errors import StorageError
from lapel_fleet.checkers.registry import CHECKERS, Finding
from lapel_fleet.report import Result, as_json, as_text, summarise, write_junit

HOSTILE = "baltimore/cam-0001: \x1b]0;owned\x07 \x00 \ud800 \u202e ]]> <b> & \n again"


def failing(*failures: str) -> Result:
    return replace(smoke(), findings=[*smoke().findings, Finding("mine", 99, list(failures))])


def inconclusive() -> Result:
    return replace(smoke(), run=msgspec.structs.replace(smoke().run, inconclusive=["the broker was gone"]))


def test_the_text_fits_a_screen_and_ends_with_the_replay_command() -> None:
    text = as_text(failing(*(f"baltimore/cam-0001: {number}" for number in range(500))))
    lines = text.splitlines()
    assert len(lines) <= len(CHECKERS) + 16  # each checker has a line, a failure a few more
    assert "… and 497 more" in text
    assert lines[-1] == "FAILED; replay: lapel-fleet run smoke --virtual --seed 3"


def test_the_text_has_occasions_sites_latencies_and_rates() -> None:
    text = as_text(smoke())
    assert any(line.split() == ["passed", "10", "retained-state-is-true"] for line in text.splitlines())
    assert "site " in text
    assert "command to final reply" in text
    assert "messages per second" in text
    assert text.splitlines()[-1].startswith("passed; replay")


def test_foreign_text_cannot_control_the_terminal() -> None:
    result = failing(HOSTILE)
    shown = as_text(replace(result, scenario="\x1b[2J.toml"))
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert len(shown.splitlines()) == len(as_text(failing("baltimore/cam-0001: x")).splitlines())


def test_an_inconclusive_run_is_reported_as_such(tmp_path: Path) -> None:
    result = inconclusive()
    assert (result.verdict, result.passed) == ("inconclusive", False)
    assert "inconclusive: the broker was gone" in as_text(result)
    write_junit(tmp_path / "junit.xml", result)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert suite.get("errors") == "1"
    error = suite.find("testcase[@name='run-is-conclusive']/error")
    assert error is not None
    assert error.get("message") == "the broker was gone"


def test_the_keys_of_the_json_stay() -> None:
    """Documented in docs/simulator.md: scripts of users read them."""
    keys = json.loads(as_json(failing("baltimore/cam-0001: x")))
    assert list(keys) == [
        "format", "scenario", "verdict", "passed", "inconclusive", "seed", "time", "broker", "replay", "cameras",
        "recordings", "messages", "domain_s", "took_s", "trace_sha256", "trace_lines", "checkers", "latencies", "rates",
        "sites", "faults", "notes",
    ]  # fmt: skip
    assert keys["checkers"][-1] == {
        "name": "mine", "verdict": "failed", "occasions": 99, "failures": ["baltimore/cam-0001: x"],
        "inconclusive": "", "former_name": "",
    }  # fmt: skip
    assert list(keys["latencies"]["commands"]) == ["count", "p50_s", "p99_s", "max_s"]
    assert list(keys["rates"]["event"]) == ["count", "per_s", "peak_per_s"]
    assert list(keys["sites"][0]) == ["site", "cameras", "recordings", "refusals", "failures", "messages"]


def test_sites_and_rates_add_up_to_the_whole() -> None:
    summary = summarise(failing("baltimore/cam-0001: x", "buffalo/cam-0001: y", "buffalo/cam-0002: z"))
    assert sum(site.cameras for site in summary.sites) == summary.cameras == 10
    assert sum(site.recordings for site in summary.sites) == summary.recordings > 0
    assert {site.site: site.failures for site in summary.sites if site.failures} == {"baltimore": 1, "buffalo": 2}
    by_kind, by_site = sum(one.count for one in summary.rates.values()), sum(one.messages or 0 for one in summary.sites)
    assert by_kind == by_site > 0


def test_without_samples_latencies_and_rates_are_absent() -> None:
    result = replace(smoke(), run=msgspec.structs.replace(smoke().run, samples=None))
    summary = summarise(result)
    assert (summary.latencies, summary.rates, {site.messages for site in summary.sites}) == ({}, {}, {None})
    assert "passed" in as_text(result)


def test_junit_has_a_case_for_each_checker_and_the_run_as_properties(tmp_path: Path) -> None:
    result = failing(HOSTILE)
    write_junit(tmp_path / "junit.xml", result)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()  # would not parse with a NUL or a lone surrogate in it
    cases = suite.findall("testcase")
    current = [one.get("name") for one in cases if one.find("system-out") is None]
    assert current == ["run-is-conclusive", *(one.checker for one in result.findings)]
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


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written: No such file"):
        write_junit(tmp_path / "no" / "junit.xml", smoke())


def test_a_run_in_which_every_camera_is_disturbed_proves_nothing() -> None:
    cases = smoke().run.cases
    disturbed = [(replace(actual, delivery_faults=["delivery.swapped"]), received) for actual, received in cases]
    some = replace(smoke(), run=msgspec.structs.replace(smoke().run, cases=[*disturbed[:-1], cases[-1]]))
    assert (some.verdict, some.inconclusive) == ("passed", [])
    every = replace(smoke(), run=msgspec.structs.replace(smoke().run, cases=disturbed))
    assert every.verdict == "inconclusive"
    assert "no checker of the firmware applies" in as_text(every)


# -- inconclusive checkers and renamed ones ----------------------------------------------------------------------------

REASON = "the broker loses messages"


def finding(name: str, *failures: str, inconclusive: str = "") -> Finding:
    return Finding(name, 10, list(failures), inconclusive)


def judged(*findings: Finding) -> Result:
    return replace(smoke(), findings=list(findings))


def suite_of(folder: Path, result: Result) -> ElementTree.Element:
    write_junit(folder / "junit.xml", result)
    return ElementTree.parse(folder / "junit.xml").getroot()


def test_an_inconclusive_checker_makes_the_run_inconclusive_whatever_it_found(tmp_path: Path) -> None:
    result = judged(finding("mine"), finding("markers-are-kept", "a/b: lost", inconclusive=REASON))
    assert (result.verdict, result.passed, result.inconclusive) == ("inconclusive", False, [REASON])
    text = as_text(result).splitlines()
    assert text[1].split() == ["inconclusive", "10", "markers-are-kept"]
    assert text[-2:] == [f"inconclusive: {REASON}", f"INCONCLUSIVE; replay: {result.replay}"]
    keys = json.loads(as_json(result))
    assert (keys["verdict"], keys["inconclusive"]) == ("inconclusive", [REASON])
    assert (keys["checkers"][1]["verdict"], keys["checkers"][1]["inconclusive"]) == ("inconclusive", REASON)
    assert sum(site["failures"] for site in keys["sites"]) == 0
    suite = suite_of(tmp_path, result)
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "1", "1")
    skipped = suite.find("testcase[@name='markers-are-kept']/skipped")
    assert skipped is not None
    assert (skipped.get("message"), skipped.text) == (f"inconclusive: {REASON}", "a/b: lost")


def test_a_failure_of_another_checker_makes_it_failed(tmp_path: Path) -> None:
    result = judged(finding("mine", "a/b: wrong"), finding("markers-are-kept", inconclusive=REASON))
    assert (result.verdict, result.inconclusive) == ("failed", [])
    suite = suite_of(tmp_path, result)
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "0", "1")


def test_junit_goes_on_with_the_former_id_of_a_renamed_checker(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, judged(finding("gaps-are-reported", "a/b: gap"), finding("markers-are-kept")))
    names = [one.get("name") for one in suite.findall("testcase")]
    assert names == ["run-is-conclusive", "gaps-are-reported", "gaps-are-told", "markers-are-kept"]
    assert {one.get("classname") for one in suite.findall("testcase")} == {"lapel-fleet"}
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    messages = [one.get("message") for one in suite.iterfind("testcase/failure")]
    assert messages == ["a/b: gap", "a/b: gap"]
    note = suite.findtext("testcase[@name='gaps-are-told']/system-out")
    assert note == "renamed to gaps-are-reported; the next release no longer writes this test case"


def test_the_json_has_the_former_name() -> None:
    checkers = json.loads(as_json(judged(finding("gaps-are-reported"), finding("markers-are-kept"))))["checkers"]
    assert [one["former_name"] for one in checkers] == ["gaps-are-told", ""]
