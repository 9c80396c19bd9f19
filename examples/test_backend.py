"""Tests of a back end against simulated cameras: the back end is a process as in production.

    pip install 'lapel[fleet]' pytest
    pytest examples/

The fixtures `lapel_broker` and `lapel_fleet` come with the package. The cameras' time stands still until a test
advances it; sockets and the broker run in real time.
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

TIMEOUT_S = 20.0
CAMERA = "baltimore/cam-0002"


class BackEndProcess:
    """The back end under test, with queries of what it received."""

    def __init__(self, url: str) -> None:
        """Subscribes to every agency: each fleet of a test has its own."""
        script = Path(__file__).with_name("backend.py")
        command = [sys.executable, str(script), url, "+", "--ask"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.state(CAMERA)  # answered once it has subscribed

    def state(self, camera: str) -> str:
        """The camera's state according to the back end."""
        return str(self._query("state", camera))

    def session(self, camera: str) -> str:
        """The camera's live session according to the back end."""
        return str(self._query("session", camera))

    def events(self, camera: str) -> list[str]:
        """Ids of the camera's events, in order."""
        return list(self._query("events", camera))

    def recordings(self, camera: str) -> list[str]:
        """Ids of the camera's complete recordings."""
        return list(self._query("recordings", camera))

    def close(self) -> None:
        """Close its standard input, which ends it, and wait."""
        self._process.communicate(timeout=TIMEOUT_S)

    def _query(self, question: str, camera: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"camera": camera}) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())[question]


@pytest.fixture
def our_backend(lapel_broker: Any) -> Iterator[BackEndProcess]:
    """Replace it with your own back end."""
    one = BackEndProcess(lapel_broker.url)
    yield one
    one.close()


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true; fail the test after `TIMEOUT_S`."""
    for _ in range(round(TIMEOUT_S / 0.05)):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("the condition did not become true in time")


def publish_as_camera(broker: Any, topic: str, **message: Any) -> None:
    """Publish a message in a camera's name."""
    port = urlsplit(broker.url).port or 1883
    publish.single(topic, json.dumps(message), qos=1, hostname="127.0.0.1", port=port)


def test_a_late_will_is_ignored(lapel_fleet: Any, our_backend: BackEndProcess) -> None:
    """The connection is half-open: the camera reconnects before the broker publishes the first connection's will."""
    fleet = lapel_fleet({"baltimore": 3}, seed=7)
    cam = fleet[CAMERA]
    cam.press("event", times=2)
    cam.until("recording")
    with cam.fault("network.half_open"):
        fleet.advance(minutes=2)
    cam.until_online()
    eventually(lambda: our_backend.state(CAMERA) == "recording")
    fleet.check(backend=our_backend)


def test_a_repeated_event_is_kept_once(lapel_fleet: Any, lapel_broker: Any, our_backend: BackEndProcess) -> None:
    """QoS 1 delivers at least once."""
    fleet = lapel_fleet({"baltimore": 2}, seed=7)
    cam = fleet[CAMERA]
    cam.press("event", times=2)
    cam.until("recording")
    eventually(lambda: len(our_backend.events(CAMERA)) > 3)
    before = our_backend.events(CAMERA)
    topic, session = f"lapel/v1/{cam.id}/event", our_backend.session(CAMERA)
    publish_as_camera(lapel_broker, topic, id=before[1], session=session, mono_s=0.0, kind="state-changed", detail={})
    cam.press()  # a marker: once it is received, the repeat was received
    eventually(lambda: len(our_backend.events(CAMERA)) > len(before))
    assert our_backend.events(CAMERA)[: len(before)] == before
    fleet.check(backend=our_backend)


def test_messages_of_an_earlier_session_are_ignored(
    lapel_fleet: Any, lapel_broker: Any, our_backend: BackEndProcess
) -> None:
    """The camera restarts; the will of its former session arrives after the new birth message."""
    fleet = lapel_fleet({"baltimore": 2}, seed=7)
    cam = fleet[CAMERA]
    eventually(lambda: our_backend.state(CAMERA) == "buffering")
    former = our_backend.session(CAMERA)
    with cam.fault("power.cut"):
        fleet.advance(minutes=1)
    cam.until_online()
    eventually(lambda: our_backend.session(CAMERA) != former)
    live = our_backend.session(CAMERA)
    publish_as_camera(
        lapel_broker, f"lapel/v1/{cam.id}/state", state="offline", session=former, reason="connection lost"
    )
    cam.press("event", times=2)
    cam.until("recording")
    eventually(lambda: our_backend.state(CAMERA) == "recording")
    assert our_backend.session(CAMERA) == live
    fleet.check(backend=our_backend)


def test_a_camera_without_power_is_offline(lapel_fleet: Any, our_backend: BackEndProcess) -> None:
    """There is no clean disconnect: the broker publishes the camera's will."""
    fleet = lapel_fleet({"baltimore": 2}, seed=7)
    cam = fleet[CAMERA]
    with cam.fault("power.cut"):
        eventually(lambda: our_backend.state(CAMERA) == "offline")
        assert our_backend.state("baltimore/cam-0001") == "buffering"
        fleet.check(backend=our_backend)
    cam.until_online()
    eventually(lambda: our_backend.state(CAMERA) == "buffering")
