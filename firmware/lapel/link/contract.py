"""Encodes messages as MQTT publications (topic, payload, QoS, retain) and decodes commands and presence.

A contract is an object that is passed in. `LapelV1` is the project's own; a team can write one for the topics and
payloads that its back end already uses.
"""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from lapel.errors import ConfigError, MessageError
from lapel.link.messages import Command, EventMessage, Reply, StateMessage, Telemetry
from lapel.link.transport import Envelope, Inbound

MAX_NAME_CHARS = 64
MAX_COMMAND_BYTES = 8 * 1024
MAX_CORRELATION_BYTES = 1024
MAX_TOPIC_BYTES = 300
MAX_TOPIC_LEVELS = 32
"""Mosquitto 2.0.11 closes the connection at a topic of more than 200 levels; others have lower limits."""
_MAX_ID_CHARS = 64


@dataclass(frozen=True, slots=True)
class Presence:
    """Which session is online, or went offline, under a camera's name."""

    session: str
    online: bool


class Contract(Protocol):
    """Encodes one camera's messages and decodes the messages on its topics."""

    @property
    def client_id(self) -> str:
        """The same for every session of this camera and for no other camera: the broker then ends a session that
        was lost before the next begins, and its late will cannot mark a live camera offline.
        """

    @property
    def command_topic(self) -> str:
        """Topic of the commands for this camera."""

    @property
    def state_topic(self) -> str:
        """Topic of this camera's retained state; the camera subscribes to it."""

    @property
    def telemetry_topic(self) -> str:
        """Topic of the telemetry that a connected camera publishes at an interval."""

    def encode(self, message: StateMessage | Telemetry | EventMessage | Command | Reply) -> Envelope:
        """The message as an MQTT publication."""

    def decode_command(self, message: Inbound) -> Command:
        """The command in it, with the `reply_to` that applies. Raises only MessageError, with the command's id where
        one could be read.
        """

    def decode_presence(self, payload: bytes) -> Presence | None:
        """The session that published this on the state or telemetry topic; None when it cannot be determined."""


class LapelV1:
    """`lapel/v1/{agency}/{site}/{camera}/` `state`, `telemetry`, `event`, `command`, `reply`, with JSON in each."""

    def __init__(self, agency: str, site: str, camera: str) -> None:
        """Raises ConfigError when a name cannot stand in a topic."""
        names = {"agency": agency, "site": site, "camera": camera}
        path = "/".join(checked_name(key, name) for key, name in names.items())
        self._root = f"lapel/v1/{path}"
        # No name contains a slash, so no two cameras share an id, as with `-` a-b/c and a/b-c would.
        self.client_id = f"lapel/{path}"
        self.command_topic = f"{self._root}/command"
        self.state_topic = f"{self._root}/state"
        self.telemetry_topic = f"{self._root}/telemetry"

    def encode(self, message: StateMessage | Telemetry | EventMessage | Command | Reply) -> Envelope:
        """The message as JSON, with the QoS of its kind; only states are retained."""
        payload = msgspec.json.encode(message)
        match message:
            case StateMessage():
                return Envelope(self.state_topic, payload, qos=1, retain=True)
            case Telemetry():
                return Envelope(self.telemetry_topic, payload, qos=0, retain=False)
            case EventMessage():
                return Envelope(f"{self._root}/event", payload, qos=1, retain=False)
            case Command():
                return Envelope(self.command_topic, payload, qos=1, retain=False)
            case Reply():
                return Envelope(f"{self._root}/reply", payload, qos=1, retain=False)

    def decode_command(self, message: Inbound) -> Command:
        """The command in at most 8 KiB of JSON. A reply is published only to `reply` or below it: a client that
        may command a camera must not be able to make it write on others' topics.
        """
        topic, payload = message.topic, message.payload
        if len(payload) > MAX_COMMAND_BYTES:
            raise MessageError(
                f"{topic}: {len(payload)} bytes are too many for a command, send at most {MAX_COMMAND_BYTES}"
            )
        if len(message.correlation or b"") > MAX_CORRELATION_BYTES:
            raise MessageError(f"{topic}: correlation data may have at most {MAX_CORRELATION_BYTES} bytes")
        try:
            command = msgspec.json.decode(payload, type=Command)
        except msgspec.ValidationError as error:
            raise _ill_formed(topic, payload, str(error)) from None
        except RecursionError:
            raise MessageError(f"{topic}: nested too deeply for a command, which is one flat JSON object") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MessageError(f"{topic}: not a JSON object in UTF-8 ({error})") from None
        return self._with_reply_to(command, message.response_topic or command.reply_to)

    def _with_reply_to(self, command: Command, topic: str | None) -> Command:
        own = f"{self._root}/reply"
        if topic is not None and topic != own and (fault := _topic_fault(topic, own)):
            raise MessageError(f"{self.command_topic}: {fault}", command.id, command.command)
        return msgspec.structs.replace(command, reply_to=None if topic == own else topic)

    def decode_presence(self, payload: bytes) -> Presence | None:
        """Reads only state and session, since an older or newer firmware may send other fields."""
        try:
            sign = msgspec.json.decode(payload, type=_Sign)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return Presence(sign.session, online=sign.state != "offline")


def _topic_fault(topic: str, own: str) -> str:
    """Why no answer can be published on `topic`; empty when one can. A topic that a broker may refuse (by the standard,
    section 4.7, or by the limits of common brokers) would block every message behind the answer.
    """
    if not topic.startswith(f"{own}/"):
        return f"answers go to {own} or below it, not to {topic[:100]!r}"
    if len(topic.encode(errors="replace")) > MAX_TOPIC_BYTES or topic.count("/") >= MAX_TOPIC_LEVELS:
        return f"a topic for answers has at most {MAX_TOPIC_BYTES} bytes and {MAX_TOPIC_LEVELS} levels"
    if not all(_may_be_in_topic(char) for char in topic):
        return f"{topic[:100]!r} is no topic: it contains wildcards, control characters or invalid ones"
    return ""


def _may_be_in_topic(char: str) -> bool:
    """Not the wildcards, and not what MQTT lets a broker refuse in any string (5.0, section 1.5.4)."""
    number = ord(char)
    is_control = number < 0x20 or 0x7F <= number < 0xA0
    is_no_character = 0xFDD0 <= number <= 0xFDEF or number & 0xFFFE == 0xFFFE or 0xD800 <= number <= 0xDFFF
    return char not in "+#" and not is_control and not is_no_character


class _Sign(msgspec.Struct):
    state: str
    session: str


class _Scrap(msgspec.Struct):
    """The fields that may still be readable in an invalid command."""

    id: object = ""
    command: object = ""


def _ill_formed(topic: str, payload: bytes, fault: str) -> MessageError:
    """The error for JSON that is no valid command: what is wrong, with the id and name where they can be read."""
    try:
        scrap = msgspec.json.decode(payload, type=_Scrap)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        scrap = _Scrap()
    return MessageError(f"{topic}: no valid command ({fault})", _word(scrap.id), _word(scrap.command))


def _word(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _MAX_ID_CHARS else ""


def checked_name(key: str, name: str) -> str:
    """`name`, if it can be a level of a topic; else ConfigError naming the key."""
    if not name or name != name.strip():
        raise ConfigError(f"{key}: {name!r} is empty or has a blank at an end, give it a name such as 'cam-0001'")
    if len(name) > MAX_NAME_CHARS:
        raise ConfigError(f"{key}: {name[:20]!r}… has {len(name)} characters, use at most {MAX_NAME_CHARS}")
    if bad := sorted({char for char in name if char in "/+#" or not char.isprintable()}):
        raise ConfigError(f"{key}: {name!r} contains {', '.join(map(repr, bad))}, which cannot stand in an MQTT topic")
    return name
