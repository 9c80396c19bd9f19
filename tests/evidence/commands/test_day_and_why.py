import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from camera_harness import CameraHarness, run_steps
from evidence_keys import CERTIFICATES_PEM
from lapel.evidence.cli import main


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """The folder of a camera that buffered for ten minutes, recorded for two, and was shut down a minute later."""

    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(600)
        harness.camera.press()
        await harness.clock.sleep(120)
        harness.camera.press()
        await harness.clock.sleep(60)

    root = tmp_path / "evidence"
    root.mkdir()
    run_steps(root, steps)
    (tmp_path / "ca.pem").write_bytes(CERTIFICATES_PEM)
    return root


def test_the_sheet_of_a_day_adds_up_to_24_hours(camera: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--camera", str(camera), "--date", "2026-01-01", "--trust", str(camera.parent / "ca.pem")]
    assert main(["day", *options, "--zone", "UTC"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("demo/baltimore/cam-0001, 2026-01-01 (UTC)\n")
    assert "sum              24:00:00" in text
    assert "recorded          0:02:10" in text  # with ten seconds from before the press
    assert main(["day", *options, "--zone", "UTC", "--json"]) == 0
    assert sum(json.loads(capsys.readouterr().out)["sums_s"].values()) == 86_400.0


@pytest.mark.parametrize(("date", "hours"), [("2026-03-08", 23), ("2026-11-01", 25)])
def test_a_day_on_which_the_clocks_change_is_an_hour_shorter_or_longer(
    camera: Path, capsys: pytest.CaptureFixture[str], date: str, hours: int
) -> None:
    """The camera's own zone is America/New_York."""
    assert main(["day", "--camera", str(camera), "--date", date]) == 0
    assert f"sum              {hours}:00:00" in capsys.readouterr().out


def test_table_and_picture_are_written(camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, picture = tmp_path / "day.csv", tmp_path / "day.svg"
    main(["day", "--camera", str(camera), "--date", "2026-01-01", "--csv", str(table), "--svg", str(picture)])
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["seconds"]) for row in rows) == 86_400.0
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-01T08:11:00Z", "recorded in 2026"),
        ("2026-01-01T03:05:00", "buffering, nothing was recording; since the camera: self-test passed"),
        ("2026-01-01T09:00:00+00:00", "The audit log has no entry around that time"),
    ],
)
def test_why_answers_in_words(camera: Path, capsys: pytest.CaptureFixture[str], at: str, expected: str) -> None:
    assert main(["why", "--camera", str(camera), "--at", at]) == 0
    assert expected in capsys.readouterr().out


def test_a_changed_log_is_reported_beside_the_answer(camera: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = camera / ".audit" / "audit-000001.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], *lines[6:]]))
    assert main(["why", "--camera", str(camera), "--at", "2026-01-01T08:11:00Z"]) == 1
    assert "records 5 to 6 are missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["day", "--date", "yesterday"], "--date yesterday: write a day as in 2026-11-27"),
        (["day", "--date", "2026-01-01", "--zone", "Mars/Base"], "--zone Mars/Base: there is no such time zone"),
        (["why", "--at", "noon"], "--at noon: write a time as in 2026-11-27T14:30:00"),
    ],
)
def test_bad_input_is_one_line(
    camera: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert main([*arguments, "--camera", str(camera)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
