"""An HTTP server beside other tasks of an event loop: where it listens, and that it leaves signals to its process."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from lapel.errors import ConfigError
from lapel.loopback import LOOPBACK, LOOPBACK_NAMES

_GOODBYE_S = 2
_ANY_HOST = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that listens, and the certificate that others are shown."""

    socket: socket.socket
    host: str
    cert: Path | None = None
    key: Path | None = None

    @property
    def port(self) -> int:
        """Its port, also where any free one was asked for."""
        return int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where it is reached, without a slash at the end."""
        host = socket.gethostname() if self.host in _ANY_HOST else self.host
        return f"{'https' if self.cert else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"


@contextlib.contextmanager
def listening(option: str, where: str, cert: Path | None = None, key: Path | None = None) -> Iterator[Listening]:
    """Listen at `PORT` of this machine or at `HOST:PORT`; beyond this machine only with a certificate.

    Raises ConfigError, which names `option`.
    """
    host, port = _host_and_port(option, where)
    if (cert is None) != (key is None):
        raise ConfigError(f"{option} {where}: give both a certificate and its key, or neither")
    if host not in LOOPBACK_NAMES and cert is None:
        raise ConfigError(f"{option} {where}: beyond this machine only with TLS; give a certificate and its key")
    if cert is not None and key is not None:
        _check_certificate(cert, key)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, port))
            found.listen()
        except (OSError, OverflowError) as error:
            hint = "port 0 takes any free one"
            raise ConfigError(f"{option} {where}: cannot listen there: {error}; {hint}") from error
        yield Listening(found, host, cert, key)


class Server(uvicorn.Server):
    """Serves an application until `should_exit` is set. The process handles its signals itself."""

    def __init__(self, application: Any, where: Listening, **options: Any) -> None:
        """`options`: those of uvicorn's configuration, beside the project's own."""
        config = uvicorn.Config(
            application, log_level="warning", access_log=False, lifespan="off", server_header=False, ws="none",
            timeout_graceful_shutdown=_GOODBYE_S, ssl_certfile=where.cert, ssl_keyfile=where.key, **options,
        )  # fmt: skip
        super().__init__(config)
        self._where = where

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def run_until_exit(self) -> None:
        """Serve."""
        await self.serve(sockets=[self._where.socket])


def _host_and_port(option: str, where: str) -> tuple[str, int]:
    host, colon, port = where.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit()) or (colon and not host):
        raise ConfigError(f"{option} {where}: give PORT or HOST:PORT, such as 8091 or 0.0.0.0:8091")
    return host or LOOPBACK, int(port)


def _check_certificate(cert: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{cert}, {key}: cannot be used as a certificate and its key: {error}") from error
