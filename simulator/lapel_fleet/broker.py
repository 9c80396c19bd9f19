"""A broker for demonstrations and tests: Mosquitto where it is installed, else amqtt in this process. Loopback only."""

import asyncio
import contextlib
import logging
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lapel.errors import LinkError

_START_S = 15.0


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that runs: its address and what it is."""

    url: str
    name: Literal["mosquitto", "amqtt"]

    @property
    def port(self) -> int:
        """On 127.0.0.1."""
        return int(self.url.rsplit(":", 1)[1])


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mosquitto_path() -> str | None:
    """Where Mosquitto is; Debian puts it where users' PATH does not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@asynccontextmanager
async def embedded_broker(prefer: Literal["mosquitto", "amqtt"] = "mosquitto", port: int = 0) -> AsyncIterator[Broker]:
    """A broker until the block ends, on `port` or a free one. Raises LinkError when neither kind can be had."""
    port = port or free_port()
    path = mosquitto_path()
    running = _mosquitto(path, port) if path and prefer == "mosquitto" else _amqtt(port)
    async with running as broker:
        yield broker


def serve(config: Path) -> int:
    """Run Mosquitto with `config` in the foreground until it ends or Ctrl-C. Its exit code; raises LinkError without a
    Mosquitto.
    """
    path = mosquitto_path()
    if path is None:
        raise LinkError("no Mosquitto: install it (Debian: apt-get install mosquitto)")
    with subprocess.Popen([path, "-c", str(config)]) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            return 0


@asynccontextmanager
async def _mosquitto(path: str, port: int) -> AsyncIterator[Broker]:
    with tempfile.TemporaryDirectory(prefix="lapel-broker-") as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        process = await asyncio.create_subprocess_exec(
            path, "-c", str(config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await _until_listening(port, process)
            yield Broker(f"mqtt://127.0.0.1:{port}", "mosquitto")
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


@asynccontextmanager
async def _amqtt(port: int) -> AsyncIterator[Broker]:
    try:
        from amqtt.broker import Broker as Amqtt
    except ImportError as error:
        raise LinkError("no broker: install Mosquitto, or amqtt with `pip install lapel[fleet]`") from error
    for name in ("amqtt", "transitions.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # amqtt's own defaults listen on every interface: say everything.
    broker = Amqtt(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    try:
        yield Broker(f"mqtt://127.0.0.1:{port}", "amqtt")
    finally:
        await broker.shutdown()


async def _until_listening(port: int, process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_START_S):
            while True:
                if process.returncode is not None:
                    raise LinkError(f"mosquitto ended at once (exit code {process.returncode}); is port {port} taken?")
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    await writer.wait_closed()
                    return
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise LinkError(f"mosquitto did not listen on port {port} within {_START_S:g} s") from error
