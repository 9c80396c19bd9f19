"""Announces a camera to Home Assistant: one retained device configuration, which names the topics that exist anyway.

Written to the documentation of its MQTT device discovery (2024.11 and later). Templates read the messages of
`lapel/v1`; a contract of one's own needs an announcement of its own.
"""

import json
import re
from typing import Any

from lapel import __version__
from lapel.config import Config
from lapel.link.contract import Contract
from lapel.link.transport import Envelope


def device_configuration(config: Config, contract: Contract) -> Envelope:
    """The announcement, below the configured prefix."""
    camera = config.camera
    device = re.sub(r"\W", "_", f"lapel_{camera.agency}_{camera.site}_{camera.name}")
    content = {
        "device": {
            "identifiers": [device],
            "name": camera.name,
            "manufacturer": "Lapel",
            "model": camera.model,
            "sw_version": __version__,
        },
        "origin": {"name": "lapel", "sw_version": __version__},
        "availability_topic": contract.state_topic,
        "availability_template": "{{ 'offline' if value_json.state == 'offline' else 'online' }}",
        "components": _components(device, contract),
    }
    topic = f"{config.link.home_assistant}/device/{device}/config"
    return Envelope(topic, json.dumps(content).encode(), qos=1, retain=True)


def _components(device: str, contract: Contract) -> dict[str, dict[str, Any]]:
    state, telemetry = contract.state_topic, contract.telemetry_topic
    components = {
        "state": _sensor("State", state, "value_json.state"),
        "flags": _sensor("Flags", state, "value_json.flags | join(', ')"),
        "recording": {
            "platform": "binary_sensor",
            "name": "Recording",
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.state == 'recording' else 'OFF' }}",
        },
        "battery": _measured("Battery", telemetry, "value_json.battery_percent", "battery", "%"),
        "storage": _measured("Free storage", telemetry, "value_json.storage_free_bytes", "data_size", "B"),
    }
    return {name: {**one, "unique_id": f"{device}_{name}"} for name, one in components.items()}


def _sensor(name: str, topic: str, value: str) -> dict[str, Any]:
    return {"platform": "sensor", "name": name, "state_topic": topic, "value_template": f"{{{{ {value} }}}}"}


def _measured(name: str, topic: str, value: str, kind: str, unit: str) -> dict[str, Any]:
    return {**_sensor(name, topic, value), "device_class": kind, "unit_of_measurement": unit}
