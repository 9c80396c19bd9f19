"""The contract as an AsyncAPI 3 document, generated from the messages: all that a back-end developer needs."""

from typing import Any

import msgspec

from lapel import __version__
from lapel.docstrings import field_docstrings
from lapel.link.contract import LapelV1
from lapel.link.event_details import EVENT_DETAILS, EventDetail, EventsDropped
from lapel.link.messages import AuditHead, Command, EventMessage, Outgoing, Position, Reply, StateMessage, Telemetry

EXAMPLE_TIME = "2026-11-24T07:00:31.250Z"
_RECORDING = "20261124T070031Z-ebb8e730"

EXAMPLES: dict[str, Outgoing | Command] = {
    "state": StateMessage(
        state="recording", agency="demo", site="baltimore", camera="cam-0001", session="46db07f4d81d86a8",
        firmware="0.1.0", flags=[], time=EXAMPLE_TIME, since=EXAMPLE_TIME, recording=_RECORDING,
    ),
    "telemetry": Telemetry(
        time=EXAMPLE_TIME, session="46db07f4d81d86a8", state="buffering", uptime_s=3600.5, buffered_s=30.0,
        buffered_bytes=29_812_004, measured_fps=29.97, dropped_frames=0, unwritten_bytes=0, events_waiting=0,
        events_dropped=0, storage_free_bytes=61_203_283_968, battery_percent=81.5, battery_minutes_left=428.0,
        temperature_c=31.5, position=Position(latitude=39.290385, longitude=-76.612189, accuracy_m=4.2, age_s=0.6),
    ),
    "event": EventMessage(
        id="46db07f4d81d86a8-7", kind="prebuffer-saved", time=EXAMPLE_TIME, mono_s=3631.25, camera="cam-0001",
        session="46db07f4d81d86a8",
        detail={"recording": _RECORDING, "actual_s": 30.4, "configured_s": 30.0},
    ),
    "command": Command(
        id="4711", command="start-recording", reason="traffic stop, unit 12", sender="dispatcher-3",
        sent_at=EXAMPLE_TIME, ttl_s=10.0,
    ),
    "reply": Reply(
        id="4711", command="start-recording", result="done", state="recording", time=EXAMPLE_TIME,
        recording=_RECORDING,
    ),
}  # fmt: skip
"""A realistic example message of each channel."""

_STRUCTS = {"state": StateMessage, "telemetry": Telemetry, "event": EventMessage, "command": Command, "reply": Reply}
_PARAMETERS = {
    "agency": "The agency that answers for what is recorded.",
    "site": "The city or station.",
    "camera": "The camera's name, unique within agency and site.",
}


def document() -> dict[str, Any]:
    """The document, ready for `json.dumps`. Seen from the camera: it sends all channels but `command`."""
    _, components = msgspec.json.schema_components(list(_STRUCTS.values()), ref_template="#/components/schemas/{name}")
    for kind in (*_STRUCTS.values(), AuditHead, Position):
        _explain(components[kind.__name__], kind)
    components |= event_details()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Lapel camera",
            "version": "1",
            "description": "The messages that a camera publishes and the commands that it accepts, "
            f"as of firmware {__version__}. "
            "Receivers ignore fields that they do not know; no field is ever removed, renamed or tightened.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name) for name in _STRUCTS},
        "operations": {name: _operation(name) for name in _STRUCTS},
        "components": {
            "messages": {name: _message(name) for name in _STRUCTS},
            "schemas": components,
        },
    }


def event_details() -> dict[str, Any]:
    """The schema of `detail` for each kind of event, by the name of its struct; `x-event-kind` is the kind."""
    _, schemas = msgspec.json.schema_components(EVENT_DETAILS, ref_template="#/components/schemas/{name}")
    for kind in EVENT_DETAILS:
        schema = schemas[kind.__name__]
        for declaring in kind.__mro__[: kind.__mro__.index(EventDetail)]:  # the battery's events share their fields
            _explain(schema, declaring)
        schema["x-event-kind"] = kind.kind
        schema["description"] = " ".join((kind.__doc__ or "").split())
    dropped = schemas[EventsDropped.__name__]  # published flat: one field for each kind
    counts = dropped.pop("properties")["counts"]["additionalProperties"]
    dropped |= {"properties": {}, "required": [], "additionalProperties": counts}
    return schemas


def _channel(name: str) -> dict[str, Any]:
    address = LapelV1("A", "S", "C").encode(EXAMPLES[name]).topic.replace("A/S/C", "{agency}/{site}/{camera}")
    return {
        "address": address,
        "parameters": {key: {"description": text} for key, text in _PARAMETERS.items()},
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operation(name: str) -> dict[str, Any]:
    out = LapelV1("A", "S", "C").encode(EXAMPLES[name])
    operation: dict[str, Any] = {
        "action": "receive" if name == "command" else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "bindings": {"mqtt": {"qos": out.qos, "retain": out.retain, "bindingVersion": "0.2.0"}},
    }
    if name == "command":
        operation["reply"] = {"channel": {"$ref": "#/channels/reply"}}
    return operation


def _message(name: str) -> dict[str, Any]:
    kind = _STRUCTS[name]
    return {
        "name": kind.__name__,
        "summary": (kind.__doc__ or "").strip(),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        "examples": [{"payload": msgspec.to_builtins(EXAMPLES[name])}],
    }


def _explain(schema: dict[str, Any], kind: type) -> None:
    """Put the fields' docstrings into their schemas."""
    for field, meaning in field_docstrings(kind).items():
        schema["properties"][field]["description"] = meaning
