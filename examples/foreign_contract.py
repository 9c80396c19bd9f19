"""Lapel cameras that use a third-party protocol, so that a team can test the back end that it already has.

Suppose that back end knows "units". A unit publishes `REC 46db07f4` or `OFF 46db07f4` (state and session) on
`units/UNIT/status`, its health as `key=value` pairs on `units/UNIT/health`, and its events on `units/UNIT/log`. It
accepts `REC 4711` and `STOP 4712` on `units/UNIT/do`, and answers `OK 4711` or `NO 4712 reason` on `units/UNIT/ack`.

A contract encodes outgoing messages with their topics and decodes received ones; the camera does the rest:

    python examples/foreign_contract.py mqtt://127.0.0.1:1883 UNIT EVIDENCE-FOLDER
"""

import asyncio
import sys

from lapel.app import assemble
from lapel.config import Config, load
from lapel.errors import MessageError
from lapel.hardware.desktop.terminal import PlainIndicators
from lapel.link.contract import Presence
from lapel.link.messages import Command, CommandName, EventMessage, Reply, StateMessage, Telemetry
from lapel.link.transport import Envelope, Inbound

STATE_WORDS = {"recording": "REC", "buffering": "READY", "fault": "BAD", "offline": "OFF"}
COMMANDS: dict[str, CommandName] = {"REC": "start-recording", "STOP": "stop-recording", "HELLO": "status"}


class Units:
    """Implements `lapel.link.contract.Contract`."""

    def __init__(self, unit: str) -> None:
        self._root = f"units/{unit}"
        self.client_id = f"unit-{unit}"
        self.command_topic = f"{self._root}/do"
        self.state_topic = f"{self._root}/status"
        self.telemetry_topic = f"{self._root}/health"

    def encode(self, message: StateMessage | Telemetry | EventMessage | Command | Reply) -> Envelope:
        """The message in the back end's format."""
        match message:
            case StateMessage():
                text = f"{STATE_WORDS.get(message.state, 'IDLE')} {message.session}"
                return Envelope(self.state_topic, text.encode(), qos=1, retain=True)
            case Telemetry():
                text = f"free={message.storage_free_bytes or 0};buffer={message.buffered_s:.0f}"
                return Envelope(self.telemetry_topic, text.encode(), qos=0, retain=False)
            case EventMessage():
                text = f"{message.id} {message.time} {message.kind}"
                return Envelope(f"{self._root}/log", text.encode(), qos=1, retain=False)
            case Reply():
                word = {"accepted": "HEARD", "progress": "HEARD", "done": "OK"}.get(message.result, "NO")
                text = f"{word} {message.id} {message.reason or ''}".strip()
                return Envelope(f"{self._root}/ack", text.encode(), qos=1, retain=False)
            case Command():
                word = next(word for word, name in COMMANDS.items() if name == message.command)
                return Envelope(self.command_topic, f"{word} {message.id}".encode(), qos=1, retain=False)

    def decode_command(self, message: Inbound) -> Command:
        """Decode `REC 4711`. Raises MessageError for anything else, and no other error."""
        word, _, id_ = message.payload[:100].decode("ascii", "replace").partition(" ")
        if word not in COMMANDS or not 1 <= len(id_) <= 64:
            raise MessageError(f"{message.topic}: {word[:20]!r} is none of {', '.join(COMMANDS)} with an id", id_[:64])
        return Command(id=id_, command=COMMANDS[word])

    def decode_presence(self, payload: bytes) -> Presence | None:
        """The session that published a state, and whether it is online."""
        word, _, session = payload[:100].decode("ascii", "replace").partition(" ")
        return Presence(session, online=word != "OFF") if session else None


async def main(broker: str, unit: str, evidence: str) -> None:
    """Run one camera with the drawn scene until Ctrl-C."""
    flags = {
        ("video", "source"): "scene",
        ("video", "width"): 640,
        ("video", "height"): 360,
        ("camera", "name"): unit,
        ("recording", "evidence"): evidence,
        ("link", "broker"): broker,
    }

    def units(config: Config) -> Units:
        return Units(config.camera.name)

    app = assemble(load(flags=flags), indicators=PlainIndicators(), contract=units)
    try:
        await app.camera.run()
    finally:
        app.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
