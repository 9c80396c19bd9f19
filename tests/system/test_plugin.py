"""The pytest plugin, in a repository outside ours that has folders called `simulator` and `firmware` of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lapel
import lapel_fleet
from lapel_fleet.broker.embedded import embedded_broker
from system.brokers import real

CONFTEST = '''
import asyncio, threading
import paho.mqtt.client as mqtt
import pytest, json
import simulator

class BackEnd:
    """Believes the newest state of each camera, and keeps each event once."""

    def __init__(self, broker):
        self.states, self.kept = {}, {}
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe("lapel/v1/+/+/+/+", 1)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def _take(self, client, userdata, message):
        _, _, agency, site, camera, leaf = message.topic.split("/")
        name = f"{agency}/{site}/{camera}"
        if leaf == "state" and message.payload:
            self.states[name] = json.loads(message.payload)["state"]
        if leaf == "event":
            self.kept.setdefault(name, {})[json.loads(message.payload)["id"]] = None

    def state(self, camera):
        return next((state for name, state in self.states.items() if name.endswith(camera)), None)

    def events(self, camera):
        return next((list(kept) for name, kept in self.kept.items() if name.endswith(camera)), [])

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

@pytest.fixture
def our_backend(lapel_broker):
    one = BackEnd(lapel_broker)
    yield one
    one.close()
'''

LATE_WILL = """
def test_late_will(lapel_fleet, our_backend):
    fleet = lapel_fleet({"baltimore": 3}, media="none", clock="stepped", seed=7)
    cam = fleet["baltimore/cam-0002"]
    cam.press("event", times=2)
    cam.until("recording")
    with cam.fault("network.half_open"):
        fleet.advance(minutes=2)
    cam.until_online()
    assert our_backend.state(cam.name) == "recording"
    fleet.check(backend=our_backend)
"""

WITH_A_LOOP = """
import pytest

@pytest.mark.asyncio
async def test_with_an_event_loop(lapel_fleet):
    fleet = lapel_fleet({"buffalo": 1}, seed=7).aio
    cam = fleet["buffalo/cam-0001"]
    await cam.press(times=2)
    await cam.until("recording")
    await cam.swap_battery()
    await cam.until("buffering")
"""

EVERY_ACTION = """
def charge(camera):
    return camera.battery.charge().percent

def test_a_swapped_battery_is_full(lapel_fleet):
    fleet = lapel_fleet({"buffalo": 1}, seed=7)
    cam = fleet["buffalo/cam-0001"]
    fleet.advance(hours=1)
    assert cam.do(charge) < 99
    cam.swap_battery()
    assert cam.do(charge) > 99
    cam.until("buffering")
    cam.until_online()
    cam.press("event", times=2)
    cam.until("recording")
    cam.hold("event")
    cam.until("buffering")
    fleet.check()
"""

TYPED = """
from lapel_fleet.control.handles import CameraHandle

async def use(cam: CameraHandle) -> None:
    cam.press("event", times=2)
    await cam.aio.hold("power", seconds=1.5)
    await cam.aio.swap_battery()
    cam.press("evnt")
    cam.hold(second=3)
    cam.swap_battery(1)
    cam.aio.swap_battery()
"""

CONFORMANCE = """
def test_our_backend(lapel_conformance, our_backend): lapel_conformance(our_backend)
"""

IN_MEMORY = """
import json

class InMemory:
    def __init__(self):
        self.states = {}

    def receive(self, topic, payload, retained):
        if topic.endswith("/state") and payload:
            self.states["/".join(topic.split("/")[3:5])] = json.loads(payload)["state"]

    def state(self, camera):
        return self.states.get(camera)

def test_in_memory(lapel_conformance): lapel_conformance(InMemory())
"""

FAILS = """
def test_that_fails(lapel_fleet):
    fleet = lapel_fleet({"detroit": 2}, seed=11)
    fleet["detroit/cam-0001"].press(times=2)
    assert not "found"
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for folder in ("simulator", "firmware"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    return tmp_path


def run_tests(repo: Path, *arguments: str, **files: str) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (repo / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=110, check=False)


def test_the_example_of_the_guide_passes_in_a_user_s_repository(repo: Path) -> None:
    real("mosquitto")
    done = run_tests(repo, "-n", "2", test_late_will=LATE_WILL, test_loop=WITH_A_LOOP, test_actions=EVERY_ACTION)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_one_line_examines_a_back_end_in_every_situation(repo: Path) -> None:
    """The back end of the guide's first test passes that one, and has two classic bugs."""
    real("mosquitto")
    chosen = "late-will or power-is-lost or repeated-events or swapped-events-of-one-camera or restart-of-the-back-end"
    done = run_tests(repo, "-k", chosen, "-rsf", test_conformance=CONFORMANCE)
    assert "FAILED test_conformance.py::test_our_backend[late-will]" in done.stdout, done.stdout + done.stderr
    assert "FAILED test_conformance.py::test_our_backend[swapped-events-of-one-camera]" in done.stdout
    assert "2 failed, 2 passed, 2 skipped" in done.stdout, done.stdout
    assert "believed  offline" in done.stdout
    assert "not applicable: the back end cannot be stopped" in done.stdout
    assert "--lapel-seed" in done.stdout
    assert "pytest_fixture.py" not in done.stdout  # a readable failure has no lines of ours


def test_a_back_end_that_dies_fails_once_and_the_rest_is_not_examined(repo: Path) -> None:
    real("mosquitto")
    mortal = CONFTEST.replace("if leaf ==", "json.loads(message.payload or b'{}')['session']\n        if leaf ==", 1)
    (repo / "conftest.py").write_text(mortal.replace("@pytest.fixture", "@pytest.fixture(scope='session')"))
    chosen = "malformed-messages or telemetry-of-a-newer or commands-and-replies"
    done = run_tests(repo, "-k", chosen, "-rs", test_conformance=CONFORMANCE)
    assert "1 failed, 2 skipped" in done.stdout, done.stdout + done.stderr
    assert "not examined: since malformed-messages the back end processes nothing any more" in done.stdout


def test_a_back_end_in_memory_needs_no_broker(repo: Path) -> None:
    done = run_tests(repo, "-k", "power-is-lost or late-will", "--lapel-seed", "7", test_memory=IN_MEMORY)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr


def test_a_user_s_mypy_knows_the_parameters_of_the_handles(repo: Path) -> None:
    (repo / "typed.py").write_text(TYPED)
    options = ("--strict", "--follow-imports=silent", "--no-error-summary", "--hide-error-context")
    roots = {str(Path(package.__file__).parents[1]) for package in (lapel, lapel_fleet)}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "typed.py"], cwd=repo, env=os.environ | {"MYPYPATH": ":".join(roots)},
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    errors = [line.split(": ", 2)[::2] for line in done.stdout.splitlines() if ": error: " in line]
    assert [(place, error.partition("  [")[2].rstrip("]")) for place, error in errors] == [
        ("typed.py:8", "arg-type"),
        ("typed.py:9", "call-arg"),
        ("typed.py:10", "call-arg"),
        ("typed.py:10", "arg-type"),
        ("typed.py:11", "unused-coroutine"),
    ], done.stdout + done.stderr


async def test_a_failure_prints_its_seed_and_leaves_nothing_at_the_broker(repo: Path) -> None:
    async with embedded_broker() as broker:
        done = run_tests(repo, "--lapel-broker", broker.url, "--lapel-agency", "ours", test_fails=FAILS)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "--lapel-seed 11" in done.stdout
        left = subprocess.run(
            [real("mosquitto_sub"), "-p", str(broker.port), "-t", "lapel/v1/#", "-v", "-W", "1"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert left.stdout == ""


def test_a_broker_that_cannot_be_is_one_line(repo: Path) -> None:
    done = run_tests(repo, "--lapel-broker", "http://127.0.0.1", test_fails=FAILS)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "lapel: link.broker: give mqtt://HOST[:PORT]" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
