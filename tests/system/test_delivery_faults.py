"""Delivery faults in a stepped fleet on a real Mosquitto, as a subscriber sees them; the cameras notice nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho
import pytest

from lapel_fleet.broker.address import Address
from lapel_fleet.broker.embedded import embedded_broker
from lapel_fleet.control.fleet_thread import scenario_of
from lapel_fleet.control.handles import FleetHandle
from lapel_fleet.time.loop_thread import LoopThread
from system.brokers import real

SECONDS = 20.0


class Subscriber:
    """What a back end receives."""

    def __init__(self, port: int) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self._subscribed = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _, __, one: self._take(one)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("lapel/v1/#", 1)
        self._client.loop_start()
        assert self._subscribed.wait(SECONDS)

    def _take(self, message: paho.MQTTMessage) -> None:
        if message.payload:
            self.received.append((message.topic.rpartition("/")[2], json.loads(message.payload)))

    def waits_for(self, is_reached: Any, missing: str) -> None:
        ticking = threading.Event()
        for _ in range(round(SECONDS / 0.05)):
            if is_reached():
                return
            ticking.wait(0.05)
        pytest.fail(f"{missing}: {[(leaf, one.get('state') or one.get('kind')) for leaf, one in self.received]}")

    def of(self, leaf: str, since: int = 0) -> list[dict[str, Any]]:
        return [one for kind, one in self.received[since:] if kind == leaf]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def numbers_of(events: list[dict[str, Any]]) -> list[int]:
    return [int(one["id"].rpartition("-")[2]) for one in events]


@contextmanager
def fleet() -> Iterator[tuple[FleetHandle, Subscriber]]:
    real("mosquitto")
    thread = LoopThread(embedded_broker(nodelay=True), "broker")
    subscriber = Subscriber(thread.inside.port)
    try:
        address = Address(url=thread.inside.url, software="mosquitto")
        with FleetHandle(scenario_of({"baltimore": 1}, telemetry_s=10.0), 7, "ours", address) as handle:
            yield handle, subscriber
    finally:
        subscriber.close()
        thread.close()


def test_what_a_bridge_may_do_to_the_messages_of_a_camera() -> None:
    with fleet() as (handle, back_end):
        (cam,) = handle
        back_end.waits_for(lambda: back_end.of("event"), "no event")

        since = len(back_end.received)
        with cam.fault("delivery.burst"):
            cam.press(times=2)
            cam.until("recording")
            assert back_end.of("event", since) == []
        back_end.waits_for(lambda: len(back_end.of("event", since)) >= 3, "no burst")
        assert {"recording-started", "prebuffer-saved"} < {one["kind"] for one in back_end.of("event", since)}
        assert numbers_of(back_end.of("event", since)) == sorted(numbers_of(back_end.of("event", since)))

        since = len(back_end.received)
        with cam.fault("delivery.swapped"):
            for _ in range(4):
                cam.press()
                handle.advance(seconds=5)
        back_end.waits_for(lambda: len(back_end.of("event", since)) >= 4, "no markers")
        numbers = numbers_of(back_end.of("event", since))
        assert numbers == [numbers[1] + 1, numbers[1], numbers[1] + 3, numbers[1] + 2]

        since = len(back_end.received)
        with cam.fault("delivery.qos0_lost"):
            handle.advance(seconds=30)
            cam.press()
            handle.advance(seconds=5)
            back_end.waits_for(lambda: back_end.of("event", since), "no marker")
        assert back_end.of("telemetry", since) == []

        since = len(back_end.received)
        with cam.fault("delivery.redelivered"):
            cam.press()
            handle.advance(seconds=5)
            cam.until_online()
        back_end.waits_for(lambda: len(back_end.of("event", since)) >= 2, "not repeated")
        first, second = back_end.of("event", since)[:2]
        assert first == second
        handle.check()  # the cameras have done nothing wrong, and are not blamed


def test_a_late_will_and_a_late_state_of_the_session_before() -> None:
    with fleet() as (handle, back_end):
        (cam,) = handle
        cam.press(times=2)
        cam.until("recording")
        back_end.waits_for(lambda: any(one["state"] == "recording" for one in back_end.of("state")), "not recording")
        former = back_end.of("state")[-1]["session"]
        since = len(back_end.received)
        with cam.fault("delivery.late_will"), cam.fault("delivery.late_state"):
            cam.swap_battery()
            cam.until("buffering")
            cam.until_online()
            back_end.waits_for(lambda: len(back_end.of("state", since)) >= 3, "nothing late")
        handle.advance(seconds=30)
        birth, *rest = back_end.of("state", since)
        assert birth["session"] != former
        late = [one["state"] for one in rest if one["session"] == former]
        assert sorted(late) == ["offline", "recording"]
        assert cam.state == "buffering"  # it did not receive them, and takes no other camera for its double
        assert not cam.device.link.status().duplicate
        handle.check()
