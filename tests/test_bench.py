"""The benchmarks still run: with tiny sizes, without judging the figures."""

import pytest

from bench import bench_encoder, bench_evidence, bench_memory
from bench.figure import Figure


def test_benchmarks_return_figures() -> None:
    figures = [*bench_memory.main((1.0,), (64, 64)), *bench_encoder.main(((64, 64),), 10)]
    assert len([*figures, *bench_evidence.main(1, (64, 64), 2)]) == 5


@pytest.mark.parametrize(("value", "holds"), [(1.1, True), (1.3, False)])
def test_a_figure_is_compared_with_its_bound(value: float, holds: bool) -> None:
    figure = Figure("x", value, "s", bound=1.2)
    assert figure.holds is holds
    assert ("within" in str(figure)) is holds
