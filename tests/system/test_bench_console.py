"""The console's benchmark runs; with tiny frames, and without checking its figures."""

from bench import bench_console


def test_it_measures_something() -> None:
    assert len(bench_console.main(10, 3, (320, 180))) == 8
