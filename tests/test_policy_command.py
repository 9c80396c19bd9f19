import json
from pathlib import Path

import pytest

from lapel.cli import main


def run(*arguments: str) -> int:
    return main(["policy", *arguments])


def test_explain_answers_in_words_with_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "--profile", "federal-2024", "--source", "command", "--context", "first-amendment") == 0
    assert capsys.readouterr().out == (
        "refuse: Only the wearer starts a recording where activity protected by the First Amendment was declared: such "
        "activity is not recorded for its own sake. (rule first-amendment-not-remote)\n"
    )


def test_explain_names_duties(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--profile", "court-order-example", "--source", "wearer", "--activity", "arrest", "--on", "2026-01-01"]
    assert run("explain", *options) == 0
    assert "duty: a recording must start within 15 s (rule order-enforcement-at-protests)" in capsys.readouterr().out
    assert run("explain", *options, "--json") == 0
    assert [one["start_within_s"] for one in json.loads(capsys.readouterr().out)["duties"]] == [15.0, 60.0]


def test_diff_lists_what_an_order_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", "federal-2024", "court-order-example", "--on", "2026-01-01") == 0
    text = capsys.readouterr().out
    assert (
        "command, buffering, first-amendment, enforcement-at-protest: refuse (first-amendment-not-remote) -> "
        "allow (order-enforcement-at-protests)\n"
    ) in text
    assert run("diff", "federal-2024", "court-order-example", "--on", "2027-06-01") == 0
    assert capsys.readouterr().out == "no start is decided differently\n"


def test_a_profiles_file_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\ntitle = "The profile of a test."\n')
    assert run("check", str(path)) == 0
    assert capsys.readouterr().out == f"{path}: valid, 0 rules\n"
    path.write_text('name = "mine"\n')
    assert run("check", str(path)) == 2
    assert "missing required field `title`" in capsys.readouterr().err


def test_a_day_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", "development", "federal-2024", "--on", "soon") == 2
    assert capsys.readouterr().err == "lapel-camera: --on soon: write a day as in 2026-11-27\n"


def test_list_gives_every_rule_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    assert "    remote-start-off: Recordings are not started remotely" in capsys.readouterr().out
