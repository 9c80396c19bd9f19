"""Try to reach a broker, a step at a time, and name the step that fails: name, route, TCP, TLS, MQTT.

Each step has its own few seconds. The last one goes the way that the camera's own link goes, so that what works here
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
"""A broker that speaks TLS 1.3 looks at our certificate when the handshake is over for us, and hangs up then."""
_KEEPALIVE_S = 60
_HINTS = {
    "name": "is link.broker spelt right, and does this network have a name server?",
    "route": "is this camera on a network, and has that network a way out?",
    "tcp": "is the broker running there, is the port right, is a firewall in between?",
    "tls": "is this the port for TLS?",
    "mqtt": "is this a broker, does it know this camera, are name and password in link.broker right?",
}
_TIME_CODES = (9, 10)
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and …_HAS_EXPIRED."""


async def probed(brokers: Iterable[Broker], client_id: str) -> list[Check]:
    """The steps to each broker, one broker after the other."""
    return [step for one in brokers for step in await Probe(one, client_id).run()]


class Probe:
    """One try, on connections of its own. `client_id` must not be the camera's: a broker would drop the camera's line.
    No will, and nothing that the broker would keep.
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
        steps["mqtt"] = self._say_hello
        done: list[Check] = []
        try:
            for name, step in steps.items():
                done.append(await _tried(name, step, self._step_s))
                if not done[-1].ok:
                    break
        finally:
            self._hang_up()
        return done

    async def _look_up(self) -> str:
        found = await asyncio.get_running_loop().getaddrinfo(self._broker.host, None, type=socket.SOCK_STREAM)
        self._addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        return f"{self._broker.host} is {', '.join(self._addresses)}"

    async def _find_route(self) -> str:
        ways, refused = {}, OSError("no address")
        for address in self._addresses:
            try:
                ways[address] = _own_address(address, self._broker.port)
            except OSError as error:
                refused = error
        if not ways:
            raise refused
        self._addresses = list(ways)
        return f"from {', '.join(dict.fromkeys(ways.values()))}"

    async def _connect(self) -> str:
        """To one address after the other, as the link does."""
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
        return "somebody speaks before he is asked"

    async def _say_hello(self) -> str:
        """On a connection of the library's; a broker that takes no MQTT 5 is asked in 3.1.1, as by the link."""
        self._hang_up()
        transport, hello = MqttTransport([self._broker], keepalive_s=_KEEPALIVE_S), Hello(self._client_id)
        try:
            async with transport.connect(hello):
                pass
        except LinkError:
            async with transport.connect(hello):
                pass
        return "the broker lets this camera in"

    def _hang_up(self) -> None:
        """Without TLS's long goodbye."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None


async def _tried(name: str, step: Callable[[], Awaitable[str]], within_s: float) -> Check:
    try:
        async with asyncio.timeout(within_s):
            return Check(name, True, await step())
    except TimeoutError:
        return Check(name, False, f"no answer within {within_s:g} s; {_HINTS[name]}")
    except (OSError, EOFError) as error:
        return Check(name, False, f"{_told(error)}; {_certificate_hint(error) or _HINTS[name]}")


def _own_address(address: str, port: int) -> str:
    """Asks the kernel for a route; sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.connect((address, port))
        return str(one.getsockname()[0])


def _certificate_hint(error: Exception) -> str:
    """Where it is known which certificate will not do."""
    match error:
        case ssl.SSLCertVerificationError(verify_code=code) if code in _TIME_CODES:
            return "is this camera's clock right (`clock show`)? Else whoever runs the broker has to renew it"
        case ssl.SSLCertVerificationError():
            return "does link.ca belong to this broker, and does link.broker call it by the name that it has?"
        case ssl.SSLError() if _is_alert(error):
            return "this camera needs a certificate (link.cert) that is in force and of an authority the broker trusts"
        case _:
            return ""


def _told(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the broker's certificate: {error.verify_message}"
        case ssl.SSLError() if _is_alert(error):
            return f"the broker turns this camera down: {_spelt(error)}"
        case ssl.SSLError():
            return _spelt(error)
        case EOFError():
            return "the other end hung up"
        case socket.gaierror():
            return str(error.strerror)
        case OSError() if error.errno:
            return os.strerror(error.errno)
        case _:
            return str(error)


def _is_alert(error: ssl.SSLError) -> bool:
    """Whether it is the other end that says so."""
    return "ALERT" in (error.reason or "")


def _spelt(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).lower().replace("_", " ")
