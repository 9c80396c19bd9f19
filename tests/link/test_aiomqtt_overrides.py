"""Private names of aiomqtt and paho-mqtt that are relied on: a new version without one of them fails here."""

import aiomqtt
import paho.mqtt.client

from lapel.link.aiomqtt_overrides import PRIVATE_NAMES


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
