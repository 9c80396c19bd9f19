"""Decodes messages from the broker: a camera's name and its message, or one line saying why it is unreadable. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from lapel.errors import ConfigError
from lapel.link.contract import checked_name
from lapel.link.messages import Command, EventMessage, Reply, StateMessage, Telemetry
from lapel.link.transport import Inbound

Kind = Literal["state", "event", "reply", "telemetry", "command"]
Message = StateMessage | EventMessage | Reply | Telemetry | Command
KINDS: Mapping[str, type[Message]] = {
    "state": StateMessage,
    "event": EventMessage,
    "reply": Reply,
    "telemetry": Telemetry,
    "command": Command,
}
"""The last level of a topic, and the type of its messages."""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message from a camera (`site/camera`), or a command to it."""

    camera: str
    message: Message
    retained: bool = False


@dataclass(frozen=True, slots=True)
class ClearedTopic:
    """The retained state was cleared: the camera no longer belongs to this fleet."""

    camera: str


@dataclass(frozen=True, slots=True)
class UnreadableMessage:
    """A message that does not fit the contract. `camera` and `kind` are from its topic, empty if that does not fit."""

    camera: str
    kind: str
    reason: str


Received = ReceivedMessage | ClearedTopic | UnreadableMessage


def topic(agency: str, kind: str) -> str:
    """The subscription for one kind of message from all cameras of the agency. Raises ConfigError for a wrong name."""
    return f"lapel/v1/{checked_name('agency', agency)}/+/+/{kind}"


def read(agency: str, inbound: Inbound) -> Received:
    """Decode a message. Raises nothing: a message that cannot be read is an UnreadableMessage."""
    levels = inbound.topic.split("/")
    if levels[:3] != ["lapel", "v1", agency] or len(levels) != 6 or levels[5] not in KINDS:
        return UnreadableMessage("", "", f"{inbound.topic}: not a topic of this contract")
    _, _, _, site, name, kind = levels
    camera = f"{site}/{name}"
    try:
        checked_name("site", site)
        checked_name("camera", name)
    except ConfigError as error:  # no camera can have this name
        return UnreadableMessage("", "", f"{inbound.topic}: {error}")
    try:
        if kind == "state" and not inbound.payload:
            return ClearedTopic(camera)
        message = msgspec.json.decode(inbound.payload, type=KINDS[kind])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return UnreadableMessage(camera, kind, f"{inbound.topic}: {error}")
    except RecursionError:
        return UnreadableMessage(camera, kind, f"{inbound.topic}: nested too deeply")
    if isinstance(message, StateMessage) and (message.agency, message.site, message.camera) != (agency, site, name):
        named = f"{message.agency}/{message.site}/{message.camera}"
        return UnreadableMessage(camera, kind, f"{inbound.topic}: is the state of another camera, {named}")
    return ReceivedMessage(camera, message, inbound.retain)


def kind_of(message: Message) -> str:
    """The last level of its topic."""
    return next(kind for kind, type_ in KINDS.items() if isinstance(message, type_))
