"""Lapel cameras that speak somebody else's protocol, so that a team can test the back end that it already has.

Suppose that back end knows "units". A unit says `REC 46db07f4` or `OFF 46db07f4` (what it does, and since which start)
on `units/UNIT/status`, its health as `key=value` pairs on `units/UNIT/health`, what happened on `units/UNIT/log`; it
takes `REC 4711` and `STOP 4712` on `units/UNIT/do`, and answers `OK 4711` or `NO 4712 reason` on `units/UNIT/ack`.

A contract says where each message goes and how it is written, and reads what comes in; the camera does the rest:

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

WORDS = {"recording": "REC", "buffering": "READY", "fault": "BAD", "offline": "OFF"}
ASKED: dict[str, CommandName] = {"REC": "start-recording", "STOP": "stop-recording", "HELLO": "status"}


class Units:
    """Implements `lapel.link.contract.Contract`."""

    def __init__(self, unit: str) -> None:
        self._root = f"units/{unit}"
        self.client_id = f"unit-{unit}"
        self.command_topic = f"{self._root}/do"
        self.state_topic = f"{self._root}/status"
        self.telemetry_topic = f"{self._root}/health"

    def encode(self, message: StateMessage | Telemetry | EventMessage | Command | Reply) -> Envelope:
        """As the back end wants to read it."""
        match message:
            case StateMessage():
                text = f"{WORDS.get(message.state, 'IDLE')} {message.session}"
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
                word = next(word for word, name in ASKED.items() if name == message.command)
                return Envelope(self.command_topic, f"{word} {message.id}".encode(), qos=1, retain=False)

    def decode_command(self, message: Inbound) -> Command:
        """`REC 4711`. Whatever is not like that is a MessageError, and nothing else is ever raised."""
        word, _, id_ = message.payload[:100].decode("ascii", "replace").partition(" ")
        if word not in ASKED or not 1 <= len(id_) <= 64:
            raise MessageError(f"{message.topic}: {word[:20]!r} is none of {', '.join(ASKED)} with an id", id_[:64])
        return Command(id=id_, command=ASKED[word])

    def decode_presence(self, payload: bytes) -> Presence | None:
        """Who says so, and whether it is there."""
        word, _, session = payload[:100].decode("ascii", "replace").partition(" ")
        return Presence(session, online=word != "OFF") if session else None


async def main(broker: str, unit: str, evidence: str) -> None:
    """One camera with a drawn street, until Ctrl-C."""
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
