"""What comes from the broker, read: a camera's name and its message, or one line that says why not. Pure."""

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
"""The last level of a topic, and what is said there."""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """What was said by, or to, a camera (`site/camera`)."""

    camera: str
    message: Message
    retained: bool = False


@dataclass(frozen=True, slots=True)
class ClearedTopic:
    """A retained state was cleared: the camera is no longer of this fleet."""

    camera: str


@dataclass(frozen=True, slots=True)
class UnreadableMessage:
    """What the contract does not allow. `camera` and `kind` are the topic's, and empty where it names none."""

    camera: str
    kind: str
    reason: str


def topic(agency: str, kind: str) -> str:
    """Where all cameras of the agency say that kind of thing. Raises ConfigError for what cannot be an agency."""
    return f"lapel/v1/{checked_name('agency', agency)}/+/+/{kind}"


def read(agency: str, inbound: Inbound) -> ReceivedMessage | ClearedTopic | UnreadableMessage:
    """What it says. Whatever comes, nothing is raised."""
    levels = inbound.topic.split("/")
    if levels[:3] != ["lapel", "v1", agency] or len(levels) != 6 or levels[5] not in KINDS:
        return UnreadableMessage("", "", f"{inbound.topic}: no topic of this contract")
    _, _, _, site, name, kind = levels
    camera = f"{site}/{name}"
    try:
        checked_name("site", site)
        checked_name("camera", name)
    except ConfigError as error:  # nobody can be called so: no camera of ours
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
        said = f"{message.agency}/{message.site}/{message.camera}"
        return UnreadableMessage(camera, kind, f"{inbound.topic}: is the state of another camera, {said}")
    return ReceivedMessage(camera, message, inbound.retain)


def kind_of(message: Message) -> str:
    """The last level of its topic."""
    return next(kind for kind, type_ in KINDS.items() if isinstance(message, type_))
