"""A web server on this machine, in a process that handles its signals itself."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from lapel.errors import ConfigError

HOST = "127.0.0.1"


class WebServer(uvicorn.Server):
    """A server that leaves Ctrl-C and SIGTERM to its process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.contextmanager
def loopback_socket(port: int) -> Iterator[socket.socket]:
    """A socket that listens on this machine only; `port` 0: any free one. Raises ConfigError."""
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise ConfigError(f"--port {port}: cannot listen there: {error}; --port 0 takes any free one") from error
        yield found
