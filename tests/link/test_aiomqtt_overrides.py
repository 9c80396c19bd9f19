"""Private names of aiomqtt and paho-mqtt that are relied on: a new version without one of them fails here."""

import asyncio

import aiomqtt
import paho.mqtt.client
import pytest

from lapel.link.aiomqtt_overrides import PRIVATE_NAMES, Client


async def test_every_private_name_still_exists() -> None:
    client = aiomqtt.Client("127.0.0.1")
    places = {
        "aiomqtt.Client methods": aiomqtt.Client,
        "aiomqtt.Client attributes": client,
        "paho.mqtt.client.Client attributes": client._client,
        "paho.mqtt.client.Client methods": paho.mqtt.client.Client,
    }
    assert set(places) == set(PRIVATE_NAMES)
    missing = [
        f"{where}: {name}"
        for where, names in PRIVATE_NAMES.items()
        for name in names
        if not hasattr(places[where], name)
    ]
    assert not missing, f"{missing}: see what lapel/link/aiomqtt_overrides.py mends with it"


async def test_a_cancellation_in_the_moment_of_the_answer_is_not_lost() -> None:
    """With aiomqtt's own waiting a cancelled publisher went on for ever (Python 3.11)."""
    client, answer = Client("127.0.0.1"), asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(client._wait_for(answer, None))
    await asyncio.sleep(0)
    answer.set_result(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_answer_that_does_not_come_is_an_error_of_mqtt() -> None:
    client = Client("127.0.0.1")
    with pytest.raises(aiomqtt.MqttError, match="timed out"):
        await client._wait_for(asyncio.get_running_loop().create_future(), 0.01)
