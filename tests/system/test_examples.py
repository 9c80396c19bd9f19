"""The examples work: a back end, its tests, and a camera with another protocol."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import aiomqtt

from examples import foreign_contract
from examples.backend import back_end
from lapel_fleet.broker.embedded import embedded_broker
from lapel_fleet.cli.main import _parser
from lapel_fleet.scenario.loading import load
from system.brokers import real
from system.process import SMALL_SCENE, camera, program, until

EXAMPLES = Path(foreign_contract.__file__).parent


async def test_a_back_end_written_from_the_document_alone(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker, back_end(broker.url, "demo") as fleet:
        with camera(tmp_path, *SMALL_SCENE, "--prebuffer", "1", "--telemetry", "1", "--broker", broker.url) as cam:
            one = fleet.camera("home/cam-0001")
            await until(lambda: one.status == "buffering", lambda: f"is {one.status}")
            assert (await fleet.ask("home/cam-0001", "start-recording", reason="a stop"))["result"] == "done"
            await until(lambda: one.status == "recording", lambda: f"is {one.status}")
            assert (await fleet.ask("home/cam-0001", "arm"))["result"] == "refused"
            assert (await fleet.ask("home/cam-0001", "stop-recording"))["result"] == "done"
            await until(
                lambda: "recording-saved" in {event["kind"] for event in one.events.values()},
                lambda: f"received {one.events}",
            )
            await until(lambda: one.telemetry, lambda: "no telemetry")
            cam.kill()
            await until(lambda: one.status == "offline", lambda: f"is {one.status}")


async def test_a_camera_with_another_protocol(tmp_path: Path) -> None:
    real("mosquitto")
    received: list[str] = []
    async with embedded_broker() as broker, aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("units/#", qos=1)
        script = foreign_contract.__file__
        with program(tmp_path, "unit", sys.executable, script, broker.url, "u7", tmp_path / "evidence") as unit:
            is_sent = False
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                received.append(
                    f"{message.topic.value.removeprefix('units/u7/')} {message.payload.decode(errors='replace')}"
                )
                if received[-1].startswith("status READY") and not is_sent:
                    is_sent = True
                    for command in (b"REC 1", b"DANCE 2", b"\xff\xfe"):
                        await client.publish("units/u7/do", command, qos=1)
                if received[-1] == "ack OK 1":
                    break
            unit.kill()
    assert any(line.startswith("status REC ") for line in received)
    assert any(line.startswith("ack NO 2 ") and "is none of REC" in line for line in received)
    assert "Traceback" not in unit.err


def test_the_tests_of_a_back_end_run_in_another_repository(tmp_path: Path) -> None:
    real("mosquitto")
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "simulator").mkdir()
    (tmp_path / "simulator" / "__init__.py").write_text("")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", "examples/"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_the_commands_of_the_workflow_are_valid() -> None:
    """Each `run:` is one line, and the parser accepts each `lapel-fleet` command in it."""
    workflow = (EXAMPLES / "github-workflow.yml").read_text()
    commands = re.findall(r"^ +(?:- )?run: (lapel-fleet .*)$", workflow, re.MULTILINE)
    assert len(commands) == workflow.count("lapel-fleet run") == 2
    for command in commands:
        options = _parser().parse_args(shlex.split(command)[1:])
        assert load(options.scenario).cameras
