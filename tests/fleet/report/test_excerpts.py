"""From a trace, what a failure is about."""

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


def test_the_lines_around_the_id_that_the_failure_names() -> None:
    failure = "baltimore/cam-0001: event ev-0050 came twice"
    found = excerpts(TRACE, [failure])[failure]
    assert len(found.lines) == 20
    assert (found.before, found.after) == (40, 40)
    assert [found.lines[number] for number in found.about] == [TRACE[100].rstrip("\n")]
    assert not any("buffalo" in line for line in found.lines)


def test_the_lines_around_the_moment_that_it_names() -> None:
    failure = "buffalo/cam-0001: activation at 29.5 s is neither recorded nor refused"
    found = excerpts(TRACE, [failure])[failure]
    assert found.lines[10].startswith("30.000000 ")
    assert found.about == []


def test_else_the_end_and_a_camera_that_nobody_knows_has_none() -> None:
    last, stranger = "buffalo/cam-0001: is shown offline", "washington/cam-0001: was never heard of"
    found = excerpts(TRACE, [last, stranger])
    assert (found[last].lines[-1], found[last].after) == (TRACE[-1].rstrip("\n"), 0)
    assert stranger not in found


def test_lines_are_plain_and_not_endless() -> None:
    failure = "a/b: x"
    found = excerpts([f"1.0 {ROOT}/a/b/event \x1b[2J{'x' * 5000}\n", "2.0 a/b power.cut\n", "odd\n"], [failure])[
        failure
    ]
    assert (len(found.lines), len(found.lines[0]), "\x1b" in found.lines[0]) == (2, 600, False)


def test_a_real_trace_tells_of_a_real_recording(tmp_path: Path) -> None:
    result = observed("smoke", 7, tmp_path / "trace")
    actual = next(actual for actual, _ in result.run.cases if actual.accounts)
    failure = f"{actual.camera}: {actual.accounts[0].recording}: 1.0 s are missing without a reason"
    with (tmp_path / "trace").open() as lines:
        found = excerpts(lines, [failure])[failure]
    assert any("recording-started" in found.lines[number] for number in found.about)
