"""The command `lapel-fleet conformance` on real brokers, with back ends in processes of their own."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from examples import backend
from lapel_fleet.broker.embedded import free_port
from lapel_fleet.cli.main import main
from system.brokers import real

FLEET = Path(sys.executable).with_name("lapel-fleet")
EXAMPLES = Path(backend.__file__).parent
BACK_END = f"{shlex.quote(sys.executable)} {shlex.quote(backend.__file__)} {{broker}} {{agency}}"
SOME = (
    "late-will", "duplicate-name", "repeated-events", "same-name-at-two-sites",
    "restart-of-the-back-end", "back-end-with-an-empty-database", "unusual-names", "malformed-messages",
)  # fmt: skip


def conformance(*options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [FLEET, "conformance", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def verdicts(*options: str | Path) -> dict[str, str]:
    done = conformance(*options, "--json")
    assert done.stdout, done.stderr
    return {one["id"]: one["verdict"] for one in json.loads(done.stdout)["outcomes"]}


def test_a_probe_command_that_is_the_back_end_itself(tmp_path: Path) -> None:
    real("mosquitto")
    command = f"{BACK_END} --ask --journal {tmp_path / 'journal'}"
    assert set(verdicts(*SOME, "--probe-command", command, "--restarts").values()) == {"passed"}


def test_an_http_probe_and_a_back_end_that_is_ended_and_started(tmp_path: Path) -> None:
    real("mosquitto")
    port = free_port()
    options = (
        "--probe", f"http://127.0.0.1:{port}/fleet/{{site}}/{{camera}}",
        "--back-end", f"{BACK_END} --http {port} --journal {tmp_path / 'journal'}",
    )  # fmt: skip
    assert set(verdicts(*SOME, *options).values()) == {"passed"}


def test_without_restarts_those_situations_are_not_applicable() -> None:
    real("mosquitto")
    found = verdicts("restart-of-the-back-end", "power-is-lost", "--probe-command", f"{BACK_END} --ask")
    assert found == {"restart-of-the-back-end": "not-applicable", "power-is-lost": "passed"}


def test_a_failure_names_the_situation_and_how_to_replay_it(tmp_path: Path) -> None:
    (tmp_path / "naive.py").write_text(NAIVE)
    done = conformance("late-will", "power-is-lost", "--probe", f"{tmp_path}/naive.py:Naive", "--seed", "7",
                       "--junit", tmp_path / "r.xml")  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "replay: lapel-fleet conformance late-will --seed 7" in done.stdout
    assert (tmp_path / "r.xml").exists()


def test_a_back_end_that_dies_is_reported_once_and_not_waited_for_again(tmp_path: Path) -> None:
    real("mosquitto")
    (tmp_path / "dies.py").write_text(DIES)
    command = f"{shlex.quote(sys.executable)} {tmp_path / 'dies.py'} {{broker}}"
    done = conformance("malformed-messages", "commands-and-replies", "--probe-command", command)
    assert done.returncode == 1, done.stderr
    assert "no longer processes messages" in done.stdout
    assert done.stdout.count("the back end processes nothing any more") == 1


CLOSED = 1  # no broker listens on the port tcpmux


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "no back end: give --probe or --probe-command"),
        (("--probe", "http://host/fleet"), "with both words in braces"),
        (("--probe", "missing.py:Probe"), "--probe missing.py:Probe: there is no file missing.py"),
        (("nonsense", "--probe", "http://h/{site}/{camera}"), "nonsense: no such situation"),
        (("--probe-command", "no-such-program"), "no-such-program: cannot be started"),
        (("--probe-command", "cat", "--broker", f"mqtt://127.0.0.1:{CLOSED}"), f"127.0.0.1:{CLOSED}"),
    ],
)
def test_an_error_is_one_line(options: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", *options]) in (2, 4)
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert expected in text


def test_the_list_needs_no_back_end() -> None:
    done = conformance("--list")
    assert done.returncode == 0
    assert "late-will" in done.stdout


NAIVE = """
import json

class Naive:
    def __init__(self):
        self.states = {}

    def receive(self, topic, payload, retained):
        if topic.endswith("/state"):
            self.states["/".join(topic.split("/")[3:5])] = json.loads(payload)["state"]

    def state(self, camera):
        return self.states.get(camera)
"""

DIES = """
import json, sys
import paho.mqtt.client as mqtt

states, events = {}, {}

def on_message(client, userdata, message):
    site, camera, leaf = message.topic.split("/")[3:6]
    received = json.loads(message.payload)
    if leaf == "state":
        states[f"{site}/{camera}"] = received["state"]
    if leaf == "event":
        events.setdefault(f"{site}/{camera}", {})[received["id"]] = received["mono_s"]

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.on_message = on_message
client.on_connect = lambda client, *_: client.subscribe("lapel/v1/#", 1)
client.connect("127.0.0.1", int(sys.argv[1].rpartition(":")[2]))
client.loop_start()
for line in sys.stdin:
    camera = json.loads(line)["camera"]
    print(json.dumps({"state": states.get(camera), "events": list(events.get(camera, {}))}), flush=True)
"""
