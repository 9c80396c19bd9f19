"""A whole camera in this process, pressed as its wearer does, and the events that it publishes to a broker."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec

from lapel.app import App, assemble
from lapel.config import load
from lapel.hardware.desktop.terminal import PlainIndicators
from lapel.link.messages import EventKind, EventMessage
from lapel_fleet.broker.embedded import embedded_broker

Flags = Mapping[tuple[str, str], Any]


class PressedCamera:
    """Cameras and events have the monotonic clock of this machine, so that times can be compared."""

    def __init__(self, app: App, listener: aiomqtt.Client) -> None:
        self.app, self._messages = app, listener.messages

    async def event(self, kind: EventKind) -> EventMessage:
        """The next event of that kind; others before it are skipped."""
        async for message in self._messages:
            assert isinstance(message.payload, bytes)
            event = msgspec.json.decode(message.payload, type=EventMessage)
            if event.kind == kind:
                return event
        raise AssertionError("the broker ended")

    async def record(self, seconds: float) -> Path:
        """Press, and press again after `seconds`; the video of the recording once it is saved."""
        self.app.camera.press()
        await asyncio.sleep(seconds)
        self.app.camera.press()
        saved = await self.event("recording-saved")
        return self.app.storage.video(str(saved.detail["recording"]))


@asynccontextmanager
async def pressed_camera(folder: Path, flags: Flags) -> AsyncIterator[PressedCamera]:
    """A camera that runs while the block does and records into `folder`, on what it must write to: a disk."""
    async with embedded_broker() as broker, aiomqtt.Client("127.0.0.1", broker.port) as listener:
        await listener.subscribe("lapel/v1/+/+/+/event", qos=1)
        link = {("link", "broker"): broker.url, ("recording", "evidence"): str(folder)}
        app = assemble(load(flags={**flags, **link}), indicators=PlainIndicators(io.StringIO()))
        running = asyncio.create_task(app.camera.run())
        try:
            yield PressedCamera(app, listener)
        finally:
            app.camera.shut_down("the benchmark is over")
            await running
            app.close()
