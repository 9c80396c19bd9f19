"""Messages that are newer than the back end, or broken."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lapel.clock import iso
from lapel.link.messages import Command
from lapel.link.transport import Envelope
from lapel_fleet.control.conformance.situation import situation
from lapel_fleet.control.conformance.situations.matches import everything, is_event, is_state
from lapel_fleet.control.conformance.stage import Stage

_BROKEN = (b"", b"{", b"null", b"[]", b"17", b'"text"', b"\xff\xfe\x00", b'{"state": 7}', b"{}", b"[" * 2000)


@situation(is_json=True)
async def unknown_fields(stage: Stage) -> None:
    """A newer firmware's messages have fields that version 1 does not know, nested ones too.

    The contract promises only that no field is removed. A strict parser goes blind with the first update.
    """
    camera = await stage.camera()
    extra = {"colour": "blue", "x-nested": {"list": [1, {"deep": None}]}, "empty": None}
    with stage.line.editing(everything, _edited(lambda message: {**extra, **message}), "with unknown fields"):
        await stage.record_once(camera)
        await stage.restart(camera)
        await stage.start_recording(camera)
    stage.ask(stage.truth(camera, "state", "events"))


@situation(is_json=True)
async def unknown_kinds_of_event(stage: Stage) -> None:
    """A newer firmware publishes kinds of events that the back end does not know, between known ones.

    They are kept too: an event that no program can read yet is evidence all the same.
    """
    camera = await stage.camera()

    def renamed(message: dict[str, Any]) -> dict[str, Any]:
        return {**message, "kind": f"new-{message['kind']}", "detail": {"by": "a newer firmware"}}

    unknown = ("marker", "prebuffer-saved")
    with stage.line.editing(
        lambda sent: is_event(sent) and getattr(sent.message, "kind", "") in unknown, _edited(renamed), "unknown kind"
    ):
        await stage.start_recording(camera)
        await stage.mark(camera, times=3)
        await stage.stop_recording(camera)
    await stage.record_once(camera)
    stage.ask(stage.truth(camera, "state", "events"))


@situation(is_json=True)
async def unknown_topics(stage: Stage) -> None:
    """A newer firmware publishes on topics of its camera that version 1 does not know, some of them deeper.

    They are ignored. They are no event, no state, and no reason to stop.
    """
    camera = await stage.camera()
    await stage.record_once(camera)
    now, session = iso(stage.place.start), stage.record(camera).sessions[-1]
    message = {
        "state": "fault", "session": session, "time": now, "since": now, "flags": [], "id": f"{session}-9001",
        "kind": "marker", "mono_s": 1.0, "camera": "cam-0001", "detail": {},
    }  # fmt: skip
    for leaf in ("location", "state/history", "event/batch", "live", "telemetry/fast"):
        stage.publish(camera, leaf, json.dumps(message).encode(), "unknown topic")
    stage.ask(stage.truth(camera, "state", "events"))


@situation(is_json=True)
async def malformed_messages(stage: Stage) -> None:
    """A broken camera publishes what is no JSON, no object, or has no field that it should have.

    One bad device must not take the whole fleet off the map: neither its neighbours, nor its own good messages.
    """
    broken, other = await stage.camera(), await stage.camera("cam-0002")
    for leaf in ("state", "event", "telemetry", "reply"):
        for payload in _BROKEN:
            stage.publish(broken, leaf, payload, "malformed")
    await stage.record_once(other)
    await stage.record_once(broken)
    stage.ask(
        stage.truth(other, "state", "events"),
        stage.truth(broken, "state", "events"),
    )


@situation(is_json=True)
async def telemetry_of_a_newer_firmware(stage: Stage) -> None:
    """Telemetry has values of other types than today, and a state that version 1 does not know.

    Telemetry is not what decides about presence; what cannot be read in it is left out.
    """
    camera = await stage.camera()
    telemetry = {"session": stage.record(camera).sessions[-1], "state": "hibernating", "battery": {"cells": [3.7, 3.6]}}
    stage.publish(camera, "telemetry", json.dumps(telemetry).encode(), "of a newer firmware", qos=0)
    await stage.start_recording(camera)
    stage.publish(camera, "telemetry", json.dumps(telemetry).encode(), "of a newer firmware", qos=0)
    stage.ask(stage.truth(camera, "state", "events"))


@situation(is_json=True)
async def commands_and_replies(stage: Stage) -> None:
    """An operator commands the camera; the back end sees the commands and the replies of others.

    A reply has an id and a state, and is neither an event nor a state message.
    """
    camera = await stage.camera()
    for number, name in enumerate(("status", "identify", "start-recording", "mark", "stop-recording"), 1):
        stage.send_command(camera, Command(id=f"other-{number}", command=name, reason="by another operator"))  # type: ignore[arg-type]
        await stage.sleep(15)
    await stage.settle()
    stage.ask(stage.truth(camera, "state", "events"))


@situation(is_json=True)
async def extra_spaces_and_order_of_keys(stage: Stage) -> None:
    """The same JSON, written by another library: keys in another order, spaces, escaped characters.

    It is the same message. A back end that compares bytes or cuts strings breaks with a library's update.
    """
    camera = await stage.camera()

    def written_differently(envelope: Envelope) -> Envelope:
        message = json.loads(envelope.payload)
        text = json.dumps(dict(sorted(message.items(), reverse=True)), indent=2, ensure_ascii=True)
        return replace(envelope, payload=text.replace("recording", "\\u0072ecording").encode())

    with stage.line.editing(lambda sent: is_state(sent) or is_event(sent), written_differently, "other JSON library"):
        await stage.record_once(camera)
        await stage.restart(camera)
        await stage.start_recording(camera)
    stage.ask(stage.truth(camera, "state", "events"))


def _edited(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Envelope], Envelope]:
    def edited(envelope: Envelope) -> Envelope:
        return replace(envelope, payload=json.dumps(edit(json.loads(envelope.payload))).encode())

    return edited
