"""Excerpts from a trace for a failure."""

from pathlib import Path

from fleet.report.observed import observed
from lapel_fleet.report.excerpts import excerpts

ROOT = "lapel/v1/fleet"
TRACE = [
    line
    for number in range(100)
    for line in (
        f'{number:.6f} {ROOT}/baltimore/cam-0001/event {{"id":"ev-{number:04}"}}\n',
        f'{number:.6f} {ROOT}/buffalo/cam-0001/event {{"id":"ev-{number:04}"}}\n',
    )
]


def test_the_lines_around_the_id_in_the_failure() -> None:
    failure = "baltimore/cam-0001: event ev-0050 was received twice"
    found = excerpts(TRACE, [failure])[failure]
    assert len(found.lines) == 20
    assert (found.before, found.after) == (40, 40)
    assert [found.lines[number] for number in found.about] == [TRACE[100].rstrip("\n")]
    assert not any("buffalo" in line for line in found.lines)


def test_the_lines_around_the_time_in_the_failure() -> None:
    failure = "buffalo/cam-0001: activation at 29.5 s is neither recorded nor refused"
    found = excerpts(TRACE, [failure])[failure]
    assert found.lines[10].startswith("30.000000 ")
    assert found.about == []


def test_otherwise_the_last_lines_and_none_for_an_unknown_camera() -> None:
    last, unknown = "buffalo/cam-0001: is shown offline", "washington/cam-0001: has published no state"
    found = excerpts(TRACE, [last, unknown])
    assert (found[last].lines[-1], found[last].after) == (TRACE[-1].rstrip("\n"), 0)
    assert unknown not in found


def test_lines_are_printable_and_limited() -> None:
    failure = "a/b: x"
    found = excerpts([f"1.0 {ROOT}/a/b/event \x1b[2J{'x' * 5000}\n", "2.0 a/b power.cut\n", "odd\n"], [failure])[
        failure
    ]
    assert (len(found.lines), len(found.lines[0]), "\x1b" in found.lines[0]) == (2, 600, False)


def test_an_excerpt_from_the_trace_of_a_run(tmp_path: Path) -> None:
    result = observed("smoke", 7, tmp_path / "trace")
    actual = next(actual for actual, _ in result.run.cases if actual.accounts)
    failure = f"{actual.camera}: {actual.accounts[0].recording}: 1.0 s are missing without a reason"
    with (tmp_path / "trace").open() as lines:
        found = excerpts(lines, [failure])[failure]
    assert any("recording-started" in found.lines[number] for number in found.about)
