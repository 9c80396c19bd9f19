"""The benchmarks still run, with tiny sizes and without judging the figures; and their report."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import bench_encoder, bench_evidence, bench_memory, bench_virtual, page, regressions
from bench.figure import Figure, compared
from bench.measuring import in_turn

DOCS = Path(__file__).parent.parent / "docs"
RATIO = compared("frames", [8.0, 9.0, 7.0], "ffmpeg", [10.0, 10.0, 10.0], "ms", target=0.75)


def test_benchmarks_return_figures() -> None:
    figures = [*bench_memory.main((1.0,), (64, 64)), *bench_encoder.main((64, 64), 10, 1)]
    assert len([*figures, *bench_evidence.main(1, (64, 64), 2), *bench_virtual.main(1.0, 1, 20, 0.0)]) >= 8


@pytest.mark.parametrize(("value", "holds"), [(1.1, True), (1.3, False)])
def test_a_figure_is_compared_with_its_bound(value: float, holds: bool) -> None:
    figure = Figure("x", value, "s", bound=1.2)
    assert figure.holds is holds
    assert ("within" in str(figure)) is holds
    assert figure.aim == ("met" if holds else "missed")


def test_a_ratio_is_the_median_of_its_rounds() -> None:
    assert (RATIO.ratio, RATIO.spread, RATIO.aim, RATIO.value) == (0.8, "0.80 (0.70 to 0.90)", "missed", 8.0)
    assert (Figure("x", 1.0, "s").ratio, Figure("x", 1.0, "s").aim) == (None, "")


def test_measurements_take_turns() -> None:
    order: list[str] = []

    def measuring(name: str) -> Callable[[], float]:
        return lambda: order.append(name) or float(len(order))

    assert in_turn(measuring("ours"), measuring("theirs"), rounds=2) == [[1.0, 3.0], [2.0, 4.0]]
    assert order == ["ours", "theirs"] * 2


def test_the_page_has_ratio_spread_aim_and_the_machine() -> None:
    results = {
        "machine": {"processor": "Z80, 1 cores"}, "versions": {"ffmpeg": "5.1"}, "short": False, "busy": True,
        "seconds": {"encoder": 3.0}, "figures": {"encoder": [asdict(RATIO)]},
    }  # fmt: skip
    text = page.page(json.loads(json.dumps(results)))
    assert "| frames | 8 ms | ffmpeg | 10 ms | 0.80 (0.70 to 0.90) | ≤ 0.75 ×: **missed** |" in text
    assert "processor: Z80, 1 cores" in text
    assert "ffmpeg 5.1" in text
    assert "busy with other work" in text


def test_the_plot_is_an_svg_with_a_row_for_each_ratio() -> None:
    drawn = ElementTree.fromstring(page.plot([RATIO, RATIO, Figure("no peer", 1.0, "s")]))
    assert len(drawn.findall("{*}circle")) == 2


def test_the_page_is_made_from_the_latest_results() -> None:
    results = json.loads((DOCS / "performance.json").read_text())
    assert (DOCS / "performance.md").read_text() == page.page(results)
    shown = [one for some in page.figures(results).values() for one in some]
    assert (DOCS / "performance.svg").read_text() == page.plot(shown)


def test_a_ratio_that_fell_is_measured_again() -> None:
    def measuring(*ratios: float) -> Callable[[], float]:
        left = iter(ratios)
        return lambda: next(left)

    assert regressions.regression("x", measuring(1.3), 1.0) == ""
    assert regressions.regression("x", measuring(1.5, 1.2), 1.0) == ""
    assert "x: 1.4 is more than a third above 1" in regressions.regression("x", measuring(1.5, 1.4), 1.0)


def test_every_ratio_is_recorded() -> None:
    assert set(json.loads(regressions.RECORDED.read_text())) == set(regressions.RATIOS)
