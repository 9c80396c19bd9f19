"""An embedded broker for runs, demonstrations and tests: Mosquitto where installed, else amqtt. Loopback only."""

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
"""Below the ephemeral ports (Linux: from 32768 on; IANA: from 49152 on). Otherwise, while the broker is down, a client
could get its port as the local port of a connection, and the broker could not start again.
"""


def free_port() -> int:
    """A TCP port on loopback that is free at this moment. Chosen at random: other processes look for one too."""
    while True:
        port = _PORTS[0] + secrets.randbelow(_PORTS[1] - _PORTS[0])
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def mosquitto_path() -> str | None:
    """Path of the Mosquitto executable, or None. Debian installs it outside the PATH of ordinary users."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class EmbeddedBroker(ABC):
    """A broker on this machine's loopback, which can be stopped and started again."""

    name: Literal["mosquitto", "amqtt"]

    def __init__(self, port: int) -> None:
        self.port, self.version = port, ""

    @property
    def url(self) -> str:
        """Its address."""
        return f"mqtt://127.0.0.1:{self.port}"

    @abstractmethod
    async def start(self) -> None:
        """Return once it listens. Harmless when it does already. Raises LinkError when it cannot start."""

    @abstractmethod
    async def stop(self) -> None:
        """Return once it has ended. Harmless when it has already."""


@asynccontextmanager
async def embedded_broker(
    prefer: Literal["mosquitto", "amqtt"] = "mosquitto",
    port: int = 0,
    *,
    nodelay: bool = False,
    own_process_group: bool = False,
) -> AsyncIterator[EmbeddedBroker]:
    """A broker until the block ends, on `port` or a free one. Raises LinkError when neither kind is installed.

    `nodelay`: Mosquitto sends each message at once; by default it collects them for up to 40 ms (Nagle).
    `own_process_group`: Mosquitto does not receive the SIGINT of a Ctrl-C on the terminal.
    """
    port = port or free_port()
    path = mosquitto_path()
    with tempfile.TemporaryDirectory(prefix="lapel-broker-") as folder:
        broker: EmbeddedBroker = Amqtt(port)
        if path and prefer == "mosquitto":
            broker = Mosquitto(path, Path(folder), port, nodelay=nodelay, own_process_group=own_process_group)
        await broker.start()
        try:
            yield broker
        finally:
            await broker.stop()


def run_mosquitto(config: Path) -> int:
    """Run Mosquitto with `config` in the foreground until it ends or Ctrl-C. Returns its exit code.

    Raises LinkError when it is not installed.
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


class Mosquitto(EmbeddedBroker):
    """Mosquitto as a child process. Retained and queued messages survive a stop, as on any broker with persistence."""

    name: Literal["mosquitto", "amqtt"] = "mosquitto"

    def __init__(self, path: str, folder: Path, port: int, *, nodelay: bool, own_process_group: bool) -> None:
        super().__init__(port)
        self._path, self._config = path, folder / "mosquitto.conf"
        self._group = 0 if own_process_group else None
        self._process: asyncio.subprocess.Process | None = None
        self._config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            f"max_queued_messages 0\nset_tcp_nodelay {str(nodelay).lower()}\n{_user_line()}"
        )

    async def start(self) -> None:
        """See `Broker.start`."""
        if self._process is not None:
            return
        self.version = await _mosquitto_version(self._path)
        process = await asyncio.create_subprocess_exec(
            *_killed_with_parent(), self._path, "-c", str(self._config),
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


def _user_line() -> str:
    """Started by root, Mosquitto switches to the user `mosquitto`, who could not write to our folder."""
    return f"user {getpass.getuser()}\n" if os.geteuid() == 0 else ""


def _killed_with_parent() -> list[str]:
    """Prefix of a command that the kernel ends with this process, even after SIGKILL. Empty without util-linux."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


async def _mosquitto_version(path: str) -> str:
    process = await asyncio.create_subprocess_exec(path, "-h", stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode(errors="replace").partition("\n")[0].removeprefix("mosquitto version ").strip()


class Amqtt(EmbeddedBroker):
    """amqtt in this process. A stop loses its sessions, queued and retained messages."""

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
        # amqtt's defaults listen on every interface: pass the whole configuration.
        self._broker = Server(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        self._broker._subscriptions = _Subscriptions()
        asyncio.get_running_loop().set_exception_handler(_report_exception)
        await self._broker.start()

    async def stop(self) -> None:
        """See `Broker.stop`."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.shutdown()


def _report_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report every exception except those of connections that amqtt refuses (MQTT 5) or loses; their clients notice."""
    if "client_connected_cb" not in context["message"]:
        loop.default_exception_handler(context)


class _Subscriptions(dict[str, list[tuple[Any, int]]]):
    """Subscriptions of which every iteration uses a copy.

    amqtt (0.12.1) iterates over them at every connect and message, with awaits in between, and loses the connection
    when another client subscribes meanwhile.
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
