"""`lapel-fleet run` as its user meets it: processes, files, exit codes."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

FLEET = Path(sys.executable).with_name("lapel-fleet")


def lapel_fleet(*arguments: str | Path, hash_seed: str = "random") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [FLEET, *arguments], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=60,
        check=False,
    )  # fmt: skip


def test_smoke_passes_and_prints_how_to_replay_it(tmp_path: Path) -> None:
    done = lapel_fleet("run", "smoke", "--virtual", "--junit", tmp_path / "junit.xml")
    assert (done.returncode, done.stderr) == (0, "")
    seed = done.stdout.split("seed ", 1)[1].split("\n", 1)[0]
    assert done.stdout.rstrip().endswith(f"passed; replay: lapel-fleet run smoke --virtual --seed {seed}")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("failures"), suite.find("properties/property[@name='seed']") is not None) == ("0", True)


def test_one_seed_is_one_trace_whatever_the_process(tmp_path: Path) -> None:
    hashes = set()
    for number, hash_seed in enumerate(("0", "1", "4711")):
        trace = tmp_path / f"trace-{number}"
        arguments = ("run", "bad-day", "--virtual", "--seed", "7", "--json", "--trace", trace)
        done = json.loads(lapel_fleet(*arguments, hash_seed=hash_seed).stdout)
        assert done["trace_sha256"] == hashlib.sha256(trace.read_bytes()).hexdigest()
        hashes.add(done["trace_sha256"])
    assert len(hashes) == 1


def test_invalid_arguments_are_one_line_and_an_exit_code(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[sites]\nbaltimore = 1\n[wearer]\nlenght_s = [1, 2]\n")
    for arguments, error in (
        (("run", "smok", "--virtual"), "did you mean `smoke`"),
        (("run", str(tmp_path / "mine.toml"), "--virtual"), "did you mean `length_s`"),
        (("run", "smoke", "--virtual", "--broker", "mqtt://127.0.0.1"), "no real broker can keep up"),
        (("run", "smoke", "--virtual", "--for", "soon"), "give a time such as"),
        (("run", "smoke", "--virtual", "--shard", "3/2"), "with I from 1 to N"),
        (("run", "smoke", "--virtual", "--media", "pixels"), "drawn in real time"),
        (("run", "smoke", "--speed", "0"), "more than 0"),
    ):
        done = lapel_fleet(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert error in done.stderr
    for flag in ("--trace", "--junit"):
        done = lapel_fleet("run", "smoke", "--virtual", flag, tmp_path / "no" / "file")
        assert (done.returncode, done.stderr.count("\n")) == (3, 1)
        assert "cannot be written" in done.stderr


def test_cameras_without_media_need_neither_opencv_nor_ffmpeg() -> None:
    script = (
        "import sys; from lapel_fleet.runs.virtual import run; from lapel_fleet.scenario.loading import load; "
        "run(load('smoke'), 1); sys.exit(bool({'cv2', 'av'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


def test_seed_follows_seed_until_one_fails_and_its_line_replays_it(tmp_path: Path) -> None:
    """Chaos and all: the same verdict, the same trace."""
    (tmp_path / "mine.toml").write_text(
        'duration_s = 300\n[sites]\nbaltimore = 2\n[wearer]\nactivations_per_hour = 20\nlength_s = [5, 20]\n'
        '[[expect]]\nwhat = "recordings"\nat_most = 2\nunder_chaos = true\n'
    )  # fmt: skip
    many = lapel_fleet("run", tmp_path / "mine.toml", "--virtual", "--chaos", "--seed", "1", "--for", "50s")
    assert many.returncode == 1, many.stdout
    runs = many.stdout.split("mine.toml: 2 cameras, seed ")[1:]
    assert [int(one.split("\n", 1)[0]) for one in runs] == list(range(1, len(runs) + 1))
    assert all("\npassed; replay: " in one for one in runs[:-1])
    replay = runs[-1].rstrip().rpartition("FAILED; replay: lapel-fleet ")[2]
    again = lapel_fleet(*replay.split(), hash_seed="4711")
    assert again.returncode == 1
    assert hash_in(again.stdout) == hash_in(runs[-1])


def hash_in(output: str) -> str:
    return output.split("trace sha256 ", 1)[1].split(" ", 1)[0]


def test_for_ends_when_the_time_is_up() -> None:
    done = lapel_fleet("run", "smoke", "--virtual", "--seed", "1", "--for", "1s")
    assert done.returncode == 0
    assert done.stdout.count("passed; replay: ") >= 1
