"""Probes the connection to a broker step by step, and names the step that fails: name, route, TCP, TLS, MQTT.

Each step has its own time limit. The last one uses the same transport as the camera's link, so that what works here
works there.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable

from lapel.check import Check
from lapel.errors import LinkError
from lapel.link.broker_address import Broker
from lapel.link.mqtt import MqttTransport
from lapel.link.transport import Hello

STEP_S = 5.0
"""Seconds that a step may take."""
_VERDICT_S = 0.5
"""Seconds to wait for a rejection after the TLS handshake: with TLS 1.3 the client completes it before the broker has
verified the client's certificate."""
_KEEPALIVE_S = 60
_HINTS = {
    "name": "is link.broker spelt right, and does this network have a name server?",
    "route": "is this camera on a network, and has that network a way out?",
    "tcp": "is the broker running there, is the port right, is a firewall in between?",
    "tls": "is this the port for TLS?",
    "mqtt": "is this an MQTT broker, does it know this camera, are user name and password in link.broker right?",
}
_TIME_CODES = (9, 10)
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and …_HAS_EXPIRED."""


async def probe_brokers(brokers: Iterable[Broker], client_id: str) -> list[Check]:
    """Probe one broker after the other: the steps to each."""
    return [step for broker in brokers for step in await Probe(broker, client_id).run()]


class Probe:
    """One probe of one broker, on its own connections, without a will or a persistent session. `client_id` must not be
    the camera's: the broker would disconnect the camera.
    """

    def __init__(self, broker: Broker, client_id: str, step_s: float = STEP_S) -> None:
        self._broker, self._client_id, self._step_s = broker, client_id, step_s
        self._addresses: list[str] = []
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> list[Check]:
        """Every step up to the first that fails, within `step_s` each. Never raises."""
        steps = {"name": self._look_up, "route": self._find_route, "tcp": self._connect}
        if self._broker.tls is not None:
            steps["tls"] = self._encrypt
        steps["mqtt"] = self._open_session
        done: list[Check] = []
        try:
            for name, step in steps.items():
                done.append(await _checked(name, step, self._step_s))
                if not done[-1].ok:
                    break
        finally:
            self._abort()
        return done

    async def _look_up(self) -> str:
        found = await asyncio.get_running_loop().getaddrinfo(self._broker.host, None, type=socket.SOCK_STREAM)
        self._addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        return f"{self._broker.host} is {', '.join(self._addresses)}"

    async def _find_route(self) -> str:
        routes, refused = {}, OSError("no address")
        for address in self._addresses:
            try:
                routes[address] = _own_address(address, self._broker.port)
            except OSError as error:
                refused = error
        if not routes:
            raise refused
        self._addresses = list(routes)
        return f"from {', '.join(dict.fromkeys(routes.values()))}"

    async def _connect(self) -> str:
        """Try one address after the other, as the link does."""
        refused = OSError("no address")
        for address in self._addresses:
            try:
                self._reader, self._writer = await asyncio.open_connection(address, self._broker.port)
            except OSError as error:
                refused = error
            else:
                return f"{address} answers on port {self._broker.port}"
        raise refused

    async def _encrypt(self) -> str:
        assert self._broker.tls is not None
        assert self._reader is not None
        assert self._writer is not None
        await self._writer.start_tls(self._broker.tls, server_hostname=self._broker.host)
        try:
            async with asyncio.timeout(_VERDICT_S):
                await self._reader.readexactly(1)
        except TimeoutError:
            return "both certificates are accepted"
        return "the server sent data before the MQTT session began: is this the port for MQTT over TLS?"

    async def _open_session(self) -> str:
        """On a new connection by the link's transport: MQTT 5, then 3.1.1 where the broker refuses 5."""
        self._abort()
        transport, hello = MqttTransport([self._broker], keepalive_s=_KEEPALIVE_S), Hello(self._client_id)
        try:
            async with transport.connect(hello):
                pass
        except LinkError:
            async with transport.connect(hello):
                pass
        return "the broker accepts this camera"

    def _abort(self) -> None:
        """Close the connection without a TLS shutdown, which can take long."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None


async def _checked(name: str, step: Callable[[], Awaitable[str]], within_s: float) -> Check:
    try:
        async with asyncio.timeout(within_s):
            return Check(name, True, await step())
    except TimeoutError:
        return Check(name, False, f"no answer within {within_s:g} s; {_HINTS[name]}")
    except (OSError, EOFError) as error:
        return Check(name, False, f"{_description(error)}; {_certificate_hint(error) or _HINTS[name]}")


def _own_address(address: str, port: int) -> str:
    """The local address on the route to `address`, from the kernel; sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, port))
        return str(probe.getsockname()[0])


def _certificate_hint(error: Exception) -> str:
    """What to check when a certificate was rejected; empty for other errors."""
    match error:
        case ssl.SSLCertVerificationError(verify_code=code) if code in _TIME_CODES:
            return "is this camera's clock right (`clock show`)? If it is, the operator of the broker must renew it"
        case ssl.SSLCertVerificationError():
            return "does link.ca belong to this broker, and is the host in link.broker the name in its certificate?"
        case ssl.SSLError() if _is_alert(error):
            return "this camera needs a valid certificate (link.cert) of an authority that the broker trusts"
        case _:
            return ""


def _description(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the broker's certificate: {error.verify_message}"
        case ssl.SSLError() if _is_alert(error):
            return f"the broker rejected this camera: {_readable(error)}"
        case ssl.SSLError():
            return _readable(error)
        case EOFError():
            return "the broker closed the connection"
        case socket.gaierror():
            return str(error.strerror)
        case OSError() if error.errno:
            return os.strerror(error.errno)
        case _:
            return str(error)


def _is_alert(error: ssl.SSLError) -> bool:
    """Whether the broker sent the error (a TLS alert), rather than this side."""
    return "ALERT" in (error.reason or "")


def _readable(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).lower().replace("_", " ")
