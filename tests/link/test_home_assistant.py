import json
from typing import Any

from lapel.config import load
from lapel.link.asyncapi import document
from lapel.link.contract import LapelV1
from lapel.link.home_assistant import device_configuration

CONFIG = load(flags={("link", "home_assistant"): "homeassistant", ("camera", "name"): "cam-0007"})
CONTRACT = LapelV1("demo", "home", "cam-0007")


def announced() -> dict[str, Any]:
    content = json.loads(device_configuration(CONFIG, CONTRACT).payload)
    assert isinstance(content, dict)
    return content


def test_it_is_one_retained_message_about_the_device() -> None:
    message = device_configuration(CONFIG, CONTRACT)
    assert message.topic == "homeassistant/device/lapel_demo_home_cam_0007/config"
    assert (message.retain, message.qos) == (True, 1)
    assert announced()["device"]["name"] == "cam-0007"
    assert announced()["availability_topic"] == CONTRACT.state_topic


def test_every_component_has_an_id_of_its_own_and_reads_a_field_that_the_contract_has() -> None:
    components = announced()["components"]
    assert len({one["unique_id"] for one in components.values()}) == len(components)
    schemas = document()["components"]["schemas"]
    fields = {
        CONTRACT.state_topic: schemas["StateMessage"]["properties"],
        CONTRACT.telemetry_topic: schemas["Telemetry"]["properties"],
    }
    for one in components.values():
        read = one["value_template"].split("value_json.")[1].split()[0].rstrip(",")
        assert read in fields[one["state_topic"]], one
