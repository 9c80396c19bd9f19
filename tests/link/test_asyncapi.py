"""The published contract: complete, consistent, and never taken back."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lapel.link.asyncapi import EXAMPLES, document
from lapel.link.contract import LapelV1
from lapel.link.messages import Command

PUBLISHED = Path(__file__).parent / "v1" / "asyncapi.json"
SPEC = document()


def test_every_field_is_explained_and_every_reference_leads_somewhere() -> None:
    for message in SPEC["components"]["messages"].values():
        schema = resolved(message["payload"]["$ref"])
        assert all(field.get("description") for field in schema["properties"].values()), message["name"]
    for reference in references(SPEC):
        resolved(reference)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_channel_has_an_example_that_its_schema_takes(name: str) -> None:
    payload = LapelV1("demo", "baltimore", "cam-0001").encode(EXAMPLES[name]).payload
    assert msgspec.json.decode(payload, type=type(EXAMPLES[name])) == EXAMPLES[name]
    schema = resolved(SPEC["components"]["messages"][name]["payload"]["$ref"])
    assert set(schema["required"]) <= set(json.loads(payload)) <= set(schema["properties"])


def test_a_camera_receives_commands_and_answers_them() -> None:
    assert [name for name, one in SPEC["operations"].items() if one["action"] == "receive"] == ["command"]
    assert SPEC["operations"]["command"]["bindings"]["mqtt"]["retain"] is False
    assert SPEC["channels"]["state"]["address"] == "lapel/v1/{agency}/{site}/{camera}/state"


def test_what_was_published_still_holds() -> None:
    """Fields may be added. None may go, change its kind, become required of a sender, or take less than before."""
    before = json.loads(PUBLISHED.read_text())["components"]["schemas"]
    now = SPEC["components"]["schemas"]
    for name, schema in before.items():
        assert name in now, f"{name} was removed"
        for field, old in schema["properties"].items():
            assert field in now[name]["properties"], f"{name}.{field} was removed or renamed"
            assert_not_tightened(f"{name}.{field}", old, now[name]["properties"][field])
    assert set(now["Command"]["required"]) == set(before["Command"]["required"]), "senders of commands cannot know"
    for name in set(before) - {"Command"}:
        assert set(before[name]["required"]) <= set(now[name]["required"]), f"{name}: receivers count on these"


def assert_not_tightened(where: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert old.get("type") == new.get("type"), f"{where} changed its kind"
    assert set(old.get("enum", [])) <= set(new.get("enum", [])), f"{where} lost a value"
    for limit, tighter in (("maxLength", int.__lt__), ("maximum", int.__lt__), ("minLength", int.__gt__)):
        if limit in new:
            assert limit in old, f"{where} got a {limit}"
            assert not tighter(int(new[limit]), int(old[limit])), f"{where}: {limit} was tightened"
    assert old.get("pattern") == new.get("pattern"), f"{where}: its pattern changed"


def test_the_example_command_is_one() -> None:
    assert isinstance(EXAMPLES["command"], Command)


def resolved(reference: str) -> dict[str, Any]:
    here: Any = SPEC
    for step in reference.removeprefix("#/").split("/"):
        here = here[step]
    assert isinstance(here, dict)
    return here


def references(tree: Any) -> list[str]:
    if isinstance(tree, list):
        return [found for one in tree for found in references(one)]
    if not isinstance(tree, dict):
        return []
    here = [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
    return here + [found for one in tree.values() for found in references(one)]
