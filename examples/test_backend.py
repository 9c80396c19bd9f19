"""How a team tests its back end: the back end is a process as in production, the cameras are Lapel's.

    pip install 'lapel[fleet]' pytest
    pytest examples/

The fixtures `lapel_broker` and `lapel_fleet` come with the package. Time stands still for the cameras until a test lets
it pass; sockets and the broker live in real time.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from paho.mqtt import publish

PATIENCE_S = 20.0
CAMERA = "baltimore/cam-0002"


class BackEndProcess:
    """The back end under test, and a way to ask what it believes."""

    def __init__(self, url: str) -> None:
        """Listens to every agency: each fleet of a test has one of its own."""
        script = Path(__file__).with_name("backend.py")
        command = [sys.executable, str(script), url, "+", "--ask"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def state(self, camera: str) -> str:
        """What it believes the camera does."""
        return str(self._ask("state", camera))

    def session(self, camera: str) -> str:
        """Which run of its firmware it believes is live."""
        return str(self._ask("session", camera))

    def events(self, camera: str) -> list[str]:
        """Ids of all that happened to it, in order."""
        return list(self._ask("events", camera))

    def recordings(self, camera: str) -> list[str]:
        """Ids of its complete recordings."""
        return list(self._ask("recordings", camera))

    def close(self) -> None:
        """It ends when nobody can ask any more."""
        self._process.communicate(timeout=PATIENCE_S)

    def _ask(self, question: str, camera: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{question} {camera}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@pytest.fixture
def our_backend(lapel_broker: Any) -> Iterator[BackEndProcess]:
    """Yours goes here."""
    one = BackEndProcess(lapel_broker.url)
    yield one
    one.close()


def eventually(true: Callable[[], bool]) -> None:
    """A message takes a moment."""
    for _ in range(round(PATIENCE_S / 0.05)):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("it never came to that")


def say(broker: Any, topic: str, **message: Any) -> None:
    """Publish something that no camera says at this moment."""
    port = urlsplit(broker.url).port or 1883
    publish.single(topic, json.dumps(message), qos=1, hostname="127.0.0.1", port=port)


def test_a_late_will_is_not_believed(lapel_fleet: Any, our_backend: BackEndProcess) -> None:
    """The line is dead without a word. The camera comes back before the broker has buried its first connection."""
    fleet = lapel_fleet({"baltimore": 3}, seed=7)
    cam = fleet[CAMERA]
    cam.press("event", times=2)
    cam.until("recording")
    with cam.fault("network.half_open"):
        fleet.advance(minutes=2)
    cam.until_online()
    eventually(lambda: our_backend.state(CAMERA) == "recording")
    fleet.check(backend=our_backend)


def test_an_event_that_comes_twice_is_one_event(
    lapel_fleet: Any, lapel_broker: Any, our_backend: BackEndProcess
) -> None:
    """At least once is what MQTT promises at QoS 1."""
    fleet = lapel_fleet({"baltimore": 2}, seed=7)
    cam = fleet[CAMERA]
    cam.press("event", times=2)
    cam.until("recording")
    eventually(lambda: len(our_backend.events(CAMERA)) > 3)
    before = our_backend.events(CAMERA)
    topic, session = f"lapel/v1/{cam.id}/event", our_backend.session(CAMERA)
    say(lapel_broker, topic, id=before[1], session=session, mono_s=0.0, kind="state-changed", detail={})
    cam.press()  # a marker: when it is known, the repeat has come
    eventually(lambda: len(our_backend.events(CAMERA)) > len(before))
    assert our_backend.events(CAMERA)[: len(before)] == before
    fleet.check(backend=our_backend)


def test_a_session_that_is_over_is_not_believed(
    lapel_fleet: Any, lapel_broker: Any, our_backend: BackEndProcess
) -> None:
    """The camera restarts; what its former self was still about to say comes after the new one's birth."""
    fleet = lapel_fleet({"baltimore": 2}, seed=7)
    cam = fleet[CAMERA]
    eventually(lambda: our_backend.state(CAMERA) == "buffering")
    former = our_backend.session(CAMERA)
    with cam.fault("power.cut"):
        fleet.advance(minutes=1)
    cam.until_online()
    eventually(lambda: our_backend.session(CAMERA) != former)
    live = our_backend.session(CAMERA)
    say(lapel_broker, f"lapel/v1/{cam.id}/state", state="offline", session=former, reason="connection lost")
    cam.press("event", times=2)
    cam.until("recording")
    eventually(lambda: our_backend.state(CAMERA) == "recording")
    assert our_backend.session(CAMERA) == live
    fleet.check(backend=our_backend)


def test_a_camera_without_power_is_offline(lapel_fleet: Any, our_backend: BackEndProcess) -> None:
    """Nobody says goodbye: the broker publishes the camera's will."""
    fleet = lapel_fleet({"baltimore": 2}, seed=7)
    cam = fleet[CAMERA]
    with cam.fault("power.cut"):
        eventually(lambda: our_backend.state(CAMERA) == "offline")
        assert our_backend.state("baltimore/cam-0001") == "buffering"
        fleet.check(backend=our_backend)
    cam.until_online()
    eventually(lambda: our_backend.state(CAMERA) == "buffering")
