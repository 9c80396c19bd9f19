"""Control of runs over their socket: real processes, sockets and a real Mosquitto."""

import io
import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from signal import SIGINT, SIGTERM

import pytest

from lapel_fleet.broker.embedded import embedded_broker
from lapel_fleet.cli import main
from lapel_fleet.control.socket import run_directory
from lapel_fleet.control.socket.messages import LINE_LIMIT_BYTES
from system.brokers import real
from system.process import PATIENCE_S, Program, program
from system.technician import picocom

FLEET = Path(sys.executable).with_name("lapel-fleet")
GUIDE = Path(__file__).parents[2] / "docs" / "simulator.md"
CAMERA = "baltimore/cam-0002"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the sockets, one for each test."""
    real("mosquitto")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "fleet.toml").write_text("duration_s = 600\n[sites]\nbaltimore = 2\nbuffalo = 2\n")
    return tmp_path / "lapel-fleet"


def fleet(*typed: str) -> tuple[int, str, str]:
    """The command, in this process: exit code, output, errors."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(typed)
    return code, out.getvalue(), err.getvalue()


def done(*typed: str) -> str:
    """The output of a command that must succeed."""
    code, out, err = fleet(*typed)
    assert (code, err) == (0, ""), f"{typed}: {out}"
    return out


def refused(*typed: str, code: int = 2) -> str:
    """The error of a command that must fail, one line."""
    ended, out, err = fleet(*typed)
    assert (ended, err.count("\n")) == (code, 1), f"{typed}: {out}{err}"
    return err


@contextmanager
def running(tmp_path: Path, run_id: str, *more: str) -> Iterator[Program]:
    """A run with a control socket."""
    with program(tmp_path, run_id, FLEET, "run", tmp_path / "fleet.toml", "--run", run_id, *more) as run:
        done("online", "--run", run_id)
        yield run


def answers(line: bytes, run_id: str, folder: Path) -> bytes:
    """The answers to raw bytes, as another client would receive them."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(PATIENCE_S)
        one.connect(os.fspath(run_directory.path_of(run_id, folder)))
        one.sendall(line)
        one.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: one.recv(65536), b""))


def test_the_example_of_the_guide_passes(tmp_path: Path) -> None:
    found = re.search(r"```sh\n(lapel-fleet run .*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    environment = {**os.environ, "PATH": f"{FLEET.parent}{os.pathsep}{os.environ['PATH']}"}
    shell = subprocess.run(
        ["bash", "-eux"], input=found[1], text=True, capture_output=True, cwd=tmp_path, env=environment,
        timeout=2 * PATIENCE_S, check=False,
    )  # fmt: skip
    assert shell.returncode == 0, f"{shell.stdout}\n{shell.stderr}"
    assert "passed; replay: lapel-fleet run fleet.toml --stepped --run demo --seed 7" in shell.stdout


async def test_bad_input_of_each_verb_is_one_line_and_changes_nothing(tmp_path: Path, folder: Path) -> None:
    with running(tmp_path, "a", "--stepped") as run:
        for typed, error in (
            ("status baltimore/cam-0009", "there is no camera baltimore/cam-0009; did you mean"),
            ("fault network.half_opne", "did you mean `network.half_open`?"),
            ("fault network.loss --set loss=much", "Expected `float`, got `str`"),
            ("fault network.loss --set los=1", "los: no such key; did you mean `loss`?"),
            ("fault heat --site bufalo", "there is no site bufalo; did you mean `buffalo`?"),
            ("fault command.late", "send the command yourself"),
            ("mend 7", "there is no fault 7; no fault is active"),
            ("advance 25h", "Expected `float` <= 86400.0"),
            (f"press {CAMERA} evnt", "there is no button evnt; did you mean `event`?"),
            (f"press {CAMERA} --times 0", "a button can be pressed 1 to 10 times at once"),
            (f"hold {CAMERA} --for 100h", "Expected `float` <= 86400.0"),
            (f"until {CAMERA} recordng", "no camera is ever that; did you mean `recording`?"),
            ("online buffalo/cam-0003", "there is no camera buffalo/cam-0003"),
            ("check --run b", "--run b: there is no such run; there are a"),
        ):
            assert error in refused(*typed.split())
        assert f"{CAMERA}: recording did not happen" in refused("until", CAMERA, "recording", "--within", "5s", code=1)
        for noise in (
            b"\n",
            b"\xff\n",
            b"[" * 8000 + b"\n",
            b'{"do": "press"}\n',
            b"x" * (LINE_LIMIT_BYTES + 9) + b"\n",
        ):
            (line,) = answers(noise, "a", folder).splitlines()
            assert json.loads(line)["ok"] is False
        two = answers(b'{"do": "status", "cameras": []}\n{"do": "mend"}\n', "a", folder).splitlines()
        assert [json.loads(line)["ok"] for line in two] == [True, True]
        assert json.loads(done("status", "--json"))["counts"] == {"buffering": 4}
        done("end")
        assert await run.ends() == 0
        assert run.err == ""


async def test_two_runs_at_once_are_distinguished(tmp_path: Path, folder: Path) -> None:
    with running(tmp_path, "a", "--stepped") as one, running(tmp_path, "b", "--stepped") as other:
        assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE((folder / "a.sock").stat().st_mode)) == (0o700, 0o600)
        assert [run["run"] for run in json.loads(done("runs", "--json"))] == ["a", "b"]
        assert "choose a run with --run: a, b" in refused("status")
        assert "--run a: there is such a run already" in refused("run", "smoke", "--stepped", "--run", "a")
        done("advance", "5m", "--run", "b")
        assert [json.loads(done("status", "--run", one, "--json"))["now_s"] for one in "ab"] == [0.0, 300.0]
        one.send_signal(SIGINT)
        other.send_signal(SIGTERM)
        assert (await one.ends(), await other.ends()) == (0, 0)
        assert "passed; replay: " in one.out
    assert list(folder.iterdir()) == []


async def test_the_socket_of_a_killed_run_is_no_run_and_is_replaced(tmp_path: Path, folder: Path) -> None:
    async with embedded_broker() as broker:  # a killed run cannot stop its own broker
        with running(tmp_path, "a", "--stepped", "--broker", broker.url) as killed:
            killed.kill()
            assert [one.name for one in folder.iterdir()] == ["a.sock"]
            assert done("runs") == ""
            assert "--run a: there is no such run" in refused("status", "--run", "a")
        with running(tmp_path, "a", "--stepped", "--broker", broker.url) as run:
            assert "4 buffering" in done("runs")
            assert json.loads(done("status", "--json"))["broker"] == broker.url
            done("end")
            assert await run.ends() == 0


async def test_a_request_ends_when_its_client_disconnects(tmp_path: Path, folder: Path) -> None:
    with running(tmp_path, "a", "--stepped") as run:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(os.fspath(folder / "a.sock"))
            one.sendall(b'{"do": "advance", "seconds": 86400}\n')
        standing = json.loads(done("status", "--json"))
        assert standing["now_s"] < 86_400
        with socket.socket(socket.AF_UNIX) as other:
            other.settimeout(PATIENCE_S)
            other.connect(os.fspath(folder / "a.sock"))
            other.sendall(b'{"do": "until", "camera": "baltimore/cam-0001", "state": "docked", "within_s": 86400}\n')
            done("end")
            assert json.loads(other.recv(65536)) == {"error": "the run is over", "exit_code": 4, "ok": False}
        assert await run.ends() == 0


async def test_a_user_s_checker_makes_check_and_the_run_fail(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "def no_camera_records(case):\n    for account in case[0].accounts:\n        yield 'a camera records'\n"
    )
    with running(tmp_path, "a", "--stepped", "--checker", f"{tmp_path / 'own.py'}:no_camera_records") as run:
        done("press", CAMERA, "--times", "2")
        done("until", CAMERA, "recording")
        code, output, complaint = fleet("check")
        assert (code, complaint) == (1, "")
        assert "a camera records" in output
        assert not json.loads(fleet("check", "--json")[1])["passed"]
        done("end")
        assert await run.ends() == 1


@pytest.mark.parametrize("kind", [("--stepped",), ("--workers", "2")])
async def test_a_console_exists_while_a_technician_is_attached(tmp_path: Path, kind: tuple[str, ...]) -> None:
    with running(tmp_path, "a", *kind) as run:
        with program(tmp_path, "attach", FLEET, "attach", CAMERA) as attached:
            line = (await attached.prints(r"picocom -b 115200 (\S+)\n"))[1]
            secret = (await attached.prints(r"secret +(\w+) "))[1]
            assert "its service port is in use" in refused("attach", CAMERA)
            with picocom(Path(line)) as technician:
                technician.send("\r")
                for prompt, typed in (("login: $", "service"), ("secret: ", secret), ("> ", "record start 'trial'")):
                    technician.expect(prompt)
                    technician.send(f"{typed}\r")
                done("until", CAMERA, "recording")
                technician.expect("recording> ")
            attached.send_signal(SIGINT)
            assert await attached.ends() == 0
        assert not Path(line).exists()
        with program(tmp_path, "again", FLEET, "attach", CAMERA, "--json") as again:
            await again.prints(r'"role":"service"')
            done("check")
            done("end")
            assert (await again.ends(), await run.ends()) == (0, 0), run.out


async def test_a_live_run_with_two_workers_is_pressed_by_hand(tmp_path: Path) -> None:
    """Requests for a camera go to the worker process that runs it."""
    with running(tmp_path, "a", "--workers", "2", "--seed", "7") as run:
        names = [one["camera"] for one in json.loads(done("status", "--json"))["cameras"]]
        assert names == ["baltimore/cam-0001", "baltimore/cam-0002", "buffalo/cam-0001", "buffalo/cam-0002"]
        for name in names:
            done("press", name, "--times", "2")
            done("until", name, "recording")
        assert "a live run's time passes by itself" in refused("advance", "1m")
        cut, silent = (
            done("fault", "power.cut", "--camera", names[2]),
            done("fault", "network.half_open", "--site", "baltimore"),
        )
        assert (cut, silent) == ("1\n", "2\n")
        counts = json.loads(done("status", "--json"))["counts"]
        assert counts == {"recording": 3, "off": 1}
        assert "is off" in refused("online", names[2], "--within", "0.1s", code=1)
        done("mend", "all")
        done("online")
        done("hold", names[0])
        done("until", names[0], "buffering")
        done("swap-battery", names[3])  # in mid-recording: a power cut, then the camera starts again
        done("until", names[3], "buffering")
        done("online")
        done("check")
        done("end")
        assert await run.ends() == 0, run.out
        assert "4 cameras, 4 recordings" in run.out
