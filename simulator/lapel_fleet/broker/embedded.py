"""A broker for demonstrations and tests: Mosquitto where it is installed, else amqtt in this process. Loopback only."""

import asyncio
import contextlib
import getpass
import logging
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from lapel.errors import LinkError

_START_S = 15.0


_PORTS = (15_000, 32_000)
"""Below those that systems give to whoever connects (Linux: from 32768 on; IANA: from 49152 on): while a broker is down
a client could get its port for its own end, and keep it from coming back.
"""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment. Drawn: others look for one at the same time."""
    while True:
        port = _PORTS[0] + secrets.randbelow(_PORTS[1] - _PORTS[0])
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def mosquitto_path() -> str | None:
    """Where Mosquitto is; Debian puts it where users' PATH does not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Broker(ABC):
    """A broker on this machine's loopback, which can go away and come back."""

    name: Literal["mosquitto", "amqtt"]

    def __init__(self, port: int) -> None:
        self.port, self.version = port, ""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"mqtt://127.0.0.1:{self.port}"

    @abstractmethod
    async def start(self) -> None:
        """Return once it listens. Harmless while it does. Raises LinkError when it cannot."""

    @abstractmethod
    async def stop(self) -> None:
        """Return once it is gone. Harmless when it is."""


@asynccontextmanager
async def embedded_broker(
    prefer: Literal["mosquitto", "amqtt"] = "mosquitto", port: int = 0, *, prompt: bool = False, apart: bool = False
) -> AsyncIterator[Broker]:
    """A broker until the block ends, on `port` or a free one. Raises LinkError when neither kind can be had.

    A `prompt` Mosquitto sends each message at once; left to itself it collects them for up to 40 ms (Nagle). One that
    is `apart` is not met by a Ctrl-C on our terminal.
    """
    port = port or free_port()
    path = mosquitto_path()
    with tempfile.TemporaryDirectory(prefix="lapel-broker-") as folder:
        broker: Broker = Amqtt(port)
        if path and prefer == "mosquitto":
            broker = Mosquitto(path, Path(folder), port, prompt=prompt, apart=apart)
        await broker.start()
        try:
            yield broker
        finally:
            await broker.stop()


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


class Mosquitto(Broker):
    """A child process. What it retains and queues outlives a stop, as on a broker that is restarted."""

    name: Literal["mosquitto", "amqtt"] = "mosquitto"

    def __init__(self, path: str, folder: Path, port: int, *, prompt: bool = False, apart: bool = False) -> None:
        super().__init__(port)
        self._path, self._config = path, folder / "mosquitto.conf"
        self._group = 0 if apart else None
        self._process: asyncio.subprocess.Process | None = None
        self._config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            f"max_queued_messages 0\nset_tcp_nodelay {str(prompt).lower()}\n"
            + (f"user {getpass.getuser()}\n" if os.geteuid() == 0 else "")  # else it could not write there
        )

    async def start(self) -> None:
        """See `Broker.start`."""
        if self._process is not None:
            return
        self.version = await _mosquitto_version(self._path)
        process = await asyncio.create_subprocess_exec(
            *_ends_with_us(), self._path, "-c", str(self._config),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, process_group=self._group,
        )  # fmt: skip
        self._process = process
        await _until_listening(self.port, process)

    async def stop(self) -> None:
        """See `Broker.stop`."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


def _ends_with_us() -> list[str]:
    """Before a command: the kernel ends it when we end, even by SIGKILL. Nothing, where util-linux is not there."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


async def _mosquitto_version(path: str) -> str:
    asked = await asyncio.create_subprocess_exec(path, "-h", stdout=asyncio.subprocess.PIPE)
    said, _ = await asked.communicate()
    return said.decode(errors="replace").partition("\n")[0].removeprefix("mosquitto version ").strip()


class Amqtt(Broker):
    """In this process; forgets everything when it stops."""

    name: Literal["mosquitto", "amqtt"] = "amqtt"

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._broker: Any = None

    async def start(self) -> None:
        """See `Broker.start`."""
        if self._broker is not None:
            return
        try:
            import amqtt
            from amqtt.broker import Broker as Server
        except ImportError as error:
            raise LinkError("no broker: install Mosquitto, or amqtt with `pip install lapel[fleet]`") from error
        self.version = amqtt.__version__
        for name in ("amqtt", "transitions.core"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # amqtt's own defaults listen on every interface: say everything.
        self._broker = Server(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        self._broker._subscriptions = _Subscriptions()
        asyncio.get_running_loop().set_exception_handler(_tell)
        await self._broker.start()

    async def stop(self) -> None:
        """See `Broker.stop`."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.shutdown()


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """All but what becomes of a connection that amqtt refuses (MQTT 5) or loses: its client finds out by itself."""
    if "client_connected_cb" not in context["message"]:
        loop.default_exception_handler(context)


class _Subscriptions(dict[str, list[tuple[Any, int]]]):
    """amqtt (0.12.1) looks through its subscriptions at every connect and message, awaiting things on the way, and
    loses the connection when somebody subscribes meanwhile. Whoever looks through these looks through a copy.
    """

    def __iter__(self) -> Iterator[str]:
        return iter([*super().__iter__()])

    def items(self) -> Any:
        """A copy."""
        return [*super().items()]


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
