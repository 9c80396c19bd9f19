"""The page and `report.json`: complete, self-contained, safe against foreign text. In a browser: tests/system."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from fleet.report.observed import observed, smoke
from lapel.errors import StorageError
from lapel_fleet.cameras.percents import Percents
from lapel_fleet.checkers.registry import Finding
from lapel_fleet.report import Result, write_page
from lapel_fleet.report.page import Report
from lapel_fleet.report.plots import Band, Plot, Series, areas, lines, steps
from lapel_fleet.runs.measurement.samples import Sampler

HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x00"


class Tags(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def written(folder: Path, result: Result) -> tuple[str, Report]:
    write_page(folder, result)
    report = msgspec.json.decode((folder / "report.json").read_bytes(), type=Report)
    return (folder / "index.html").read_text(), report


def test_the_page_has_all_measurements(tmp_path: Path) -> None:
    page, report = written(tmp_path / "new" / "folder", smoke())
    plots = [attributes["id"] for tag, attributes in Tags(page).found if attributes.get("class") == "plot"]
    assert plots == ["states", "messages", "batteries", "storage"]
    assert page.count("times, always 0 s") == 2  # commands and presses, in virtual time
    for checked in report.summary.checkers:
        assert checked.name in page
    assert report.summary.trace_sha256 in page
    snapshots = [sum(one.states.values()) for one in report.over_time if one.looked_s is not None]
    assert set(snapshots) == {report.summary.cameras}


def test_the_page_is_the_same_each_time(tmp_path: Path) -> None:
    assert written(tmp_path / "a", smoke()) == written(tmp_path / "b", observed("smoke", 3))


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    page, _ = written(tmp_path, smoke())
    addresses = [
        value
        for tag, attributes in Tags(page).found
        for name, value in attributes.items()
        if name in ("src", "href", "data", "action", "srcset", "xlink:href")
    ]
    assert {one for one in addresses if one and not one.startswith("#")} == {"data:,", "report.json"}
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_foreign_text_stays_text(tmp_path: Path) -> None:
    """In every place that takes text: names, failures, reasons, the trace."""
    trace = tmp_path / "trace"
    trace.write_text(f'1.0 lapel/v1/fleet/baltimore/cam-0001/event {{"id":"{HOSTILE}"}}\n')
    run = msgspec.structs.replace(smoke().run, inconclusive=[HOSTILE], broker=HOSTILE)
    findings = [Finding(HOSTILE, 1, [f"baltimore/cam-0001: {HOSTILE}", HOSTILE])]
    result = replace(smoke(), scenario=HOSTILE, options=HOSTILE, run=run, findings=findings, trace=trace)
    page, _ = written(tmp_path, result)
    harmless, _ = written(tmp_path, replace(result, scenario="harmless"))
    tags = Tags(page).found
    assert not {"script", "img"} & {tag for tag, _ in tags}
    assert not [attributes for _, attributes in tags if any(name.startswith("on") for name in attributes)]
    assert [tag for tag, _ in tags] == [tag for tag, _ in Tags(harmless).found]
    assert page.count("alert(1)") > 6  # it is shown all the same
    assert "\x00" not in page


def test_failures_have_their_excerpt_of_the_trace_and_only_some_are_listed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    result = observed("smoke", 7, trace)
    failures = [f"baltimore/cam-0001: failure {number}" for number in range(30)]
    page, report = written(tmp_path, replace(result, findings=[Finding("mine", 40, failures)]))
    assert set(report.excerpts) == set(failures[:20])
    assert page.count('class="failure"') == 20
    assert "and 10 more, in report.json" in page
    assert report.summary.checkers[0].failures == failures
    assert report.excerpts[failures[0]].lines[-1] in trace.read_text()


def test_without_samples_the_page_states_that_nothing_was_measured(tmp_path: Path) -> None:
    page, report = written(tmp_path, replace(smoke(), run=msgspec.structs.replace(smoke().run, samples=None)))
    assert "Nothing was measured" in page
    assert report.over_time == []


def test_the_json_is_plain_json(tmp_path: Path) -> None:
    written(tmp_path, smoke())
    assert list(json.loads((tmp_path / "report.json").read_text())) == ["summary", "over_time", "excerpts"]


def test_a_file_that_cannot_be_written_or_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file: cannot be written"):
        write_page(tmp_path / "file", smoke())
    failing = replace(smoke(), findings=[Finding("mine", 1, ["a/b: c"])], trace=tmp_path / "none")
    with pytest.raises(StorageError, match="none: cannot be read"):
        write_page(tmp_path / "folder", failing)


# -- plots -------------------------------------------------------------------------------------------------------------


def plot(*values: list[float | None], until_s: float = 100.0) -> Plot:
    series = [Series(f"s{number}", "one", one) for number, one in enumerate(values)]
    times_s = [until_s * number / len(values[0]) for number in range(len(values[0]))]
    return Plot("id", "Title", "description", times_s, until_s, series, lambda value: f"{value:g}")


def paths(svg: ElementTree.Element, style: str) -> list[str]:
    return [one.get("d", "") for one in svg.iter("path") if one.get("class") == style]


def test_areas_are_stacked() -> None:
    lower, upper = paths(areas(plot([1, 1], [3, 3]), []), "area one")
    assert lower == "M0.0,750.0 500.0,750.0 500.0,1000.0 0.0,1000.0Z"
    assert upper == "M0.0,0.0 500.0,0.0 500.0,750.0 0.0,750.0Z"


def test_a_step_lasts_until_the_next_value() -> None:
    (path,) = paths(steps(plot([4, 2]), []), "area one")
    assert path.startswith("M0.0,0.0 500.0,0.0 500.0,500.0 1000.0,500.0 ")


def test_a_line_has_gaps_where_nothing_was_measured_and_dots_for_single_values() -> None:
    svg = lines(plot([4, 4, None, 2, None]), [])
    assert paths(svg, "line one") == ["M0.0,0.0L200.0,0.0"]
    assert paths(svg, "line dot one") == ["M600.0,500.0h0"]


def test_latencies_batteries_and_storage_are_drawn_where_they_were_measured(tmp_path: Path) -> None:
    now_s = 0.0
    sampler = Sampler(lambda: now_s, 10, 100)
    for now_s in range(0, 100, 5):
        sampler.command(0.1)
        sampler.press(0.2)
        sampler.lag(0.003)
        sampler.snapshot({"baltimore": {"recording": 1}}, Percents.of([100 - now_s, 100]), Percents.of([25, now_s]))
    run = msgspec.structs.replace(smoke().run, samples=sampler.samples())
    page, report = written(tmp_path, replace(smoke(), run=run))
    plots = [attributes["id"] for tag, attributes in Tags(page).found if attributes.get("class") == "plot"]
    assert plots == ["states", "commands", "presses", "lags", "batteries", "storage"]
    assert "20 times: p50 100 ms, p99 100 ms, at most 100 ms" in page
    assert "at the end: median 5 %, p10 5 %, minimum 5 %" in page
    assert report.over_time[-1].storage_percent == [25, 95, 95]


def test_a_given_scale_has_no_labels_beyond_its_end() -> None:
    svg = areas(replace(plot([1600, 1600]), top=1600), [])
    assert [one.text for one in svg.iter("text") if one.get("class") == "y"] == ["0", "500", "1000", "1500"]
    assert paths(svg, "area one")[0].startswith("M0.0,0.0 ")


def test_scales_end_in_round_numbers_and_zero_is_no_error() -> None:
    def scale(highest: float) -> list[str | None]:
        return [one.text for one in lines(plot([highest]), []).iter("text") if one.get("class") == "y"]

    assert scale(7) == ["0", "2", "4", "6", "8"]
    assert scale(0.0301) == ["0", "0.01", "0.02", "0.03", "0.04"]
    assert scale(0) == ["0", "1"]


def test_bands_have_numbers_that_do_not_touch() -> None:
    svg = lines(plot([1, 2]), [Band(1, 10, 20), Band(2, 15.5, 15.5), Band(3, 80, 400)])
    assert [(one.get("x"), one.get("width")) for one in svg.iter("rect") if one.get("class") == "band"] == [
        ("100.0", "100.0"), ("800.0", "200.0"),
    ]  # fmt: skip
    assert paths(svg, "moment") == ["M155.0,0V1000"]
    rows = [one.get("dy") for one in svg.iter("text") if one.get("class") == "number"]
    assert rows == ["-0.4em", "-1.4em", "-0.4em"]


def test_a_screen_reader_gets_title_description_and_table(tmp_path: Path) -> None:
    svg = lines(plot([1, 2]), [])
    assert (svg.get("role"), svg.get("aria-labelledby")) == ("img", "id-title id-desc")
    assert {one.get("id"): one.text for one in svg if one.get("id")} == {"id-title": "Title", "id-desc": "description"}
    page, _ = written(tmp_path, smoke())
    assert len(re.findall("<figure>", page)) == len(re.findall("As a table", page)) + 2 == 6
