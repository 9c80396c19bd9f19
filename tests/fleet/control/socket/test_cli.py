"""Arguments that are refused in one line before any run is contacted, and commands that need no run."""

import json
import re
from pathlib import Path

import pytest

from fleet.one_line import refusal
from lapel_fleet.cli import main
from lapel_fleet.scenario.faults import FAULTS


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("status", "no run can be controlled; start one with `lapel-fleet run SCENARIO --stepped`"),
        ("status --run demo", "--run demo: there is no such run; none can be controlled at the moment"),
        ("status --run ../demo", "at most 32 letters, digits, - and _"),
        ("advance soon", "advance soon: give a time such as 90s, 10m or 2h"),
        ("hold baltimore/cam-0001 --for ever", "--for ever: give a time"),
        ("until baltimore/cam-0001 recording --within x", "--within x: give a time"),
        ("online --within x", "--within x: give a time"),
        ("online --within 0s", "no run can be controlled"),
        ("mend both", "mend both: give the number that `fault` printed, or `all`"),
        ("fault heat --set celsius", "--set celsius: give KEY=VALUE, such as loss=0.5"),
        ("fault heat --set =5", "--set =5: give KEY=VALUE"),
        ("check", "no run can be controlled"),
        ("end", "no run can be controlled"),
        ("run smoke --virtual --run demo", "--run with --virtual: such a run is too fast"),
        ("run smoke --run demo --for 10m", "--run with --for: such a run is too fast"),
        ("run smoke --stepped --virtual", "--stepped with --virtual: time stands still"),
        ("run smoke --stepped --speed 2", "--stepped with --speed: time stands still"),
        ("run smoke --stepped --shard 1/2", "--stepped with --shard: time stands still"),
        ("run smoke --stepped --media clip", "cameras in stepped time cannot film"),
        ("run smoke --stepped --run a/b", "at most 32 letters"),
    ],
)
def test_invalid_arguments_are_one_line(typed: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error in refusal(typed, capsys)


def test_every_kind_of_fault_is_listed_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "--json"]) == 0
    listed = {one["kind"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(FAULTS)
    assert listed["network.loss"]["parameters"] == {"loss": 0.2}
    assert not listed["broker.outage"]["by_hand"]
    assert main(["faults"]) == 0
    output = re.sub(" {2,}", "  ", capsys.readouterr().out)
    assert "clock.step  the wall clock is stepped by `step_s`, forward or, if negative, back (happens once)" in output
    outage = "broker.outage  the broker stops, for all cameras, and starts again at the end (in scenario files only)"
    assert outage in output


def test_an_action_s_command_comes_from_its_struct(capsys: pytest.CaptureFixture[str]) -> None:
    for command, usage, about in (
        ("press", "[--times N] CAMERA [BUTTON]", "how many times at once, 1 to 10 (default: 1)"),
        ("hold", "[--for TIME] CAMERA [BUTTON]", "how long, in the cameras' time (default: 3.5s)"),
        ("swap-battery", "[--json] CAMERA\n", "replace the battery by a full one"),
    ):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown = capsys.readouterr().out
        assert usage in shown
        assert about in " ".join(shown.split())


def test_no_runs_are_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["runs"]), capsys.readouterr().out) == (0, "")
    assert (main(["runs", "--json"]), capsys.readouterr().out) == (0, "[]\n")
