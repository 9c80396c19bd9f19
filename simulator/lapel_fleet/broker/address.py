"""Address of a run's broker, and the identities with which cameras and operator connect to it."""

from pathlib import Path

import msgspec

from lapel.errors import ConfigError
from lapel.link.broker_address import Broker, brokers_at

CONNECTS_PER_S = 300.0
"""Connects per second to a broker. aiomqtt connects through a thread pool: 900 to 1,200 per second at the most
(measured, x86), which starves everything else on that pool."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A broker as cameras and operator reach it. Sent to worker processes as JSON."""

    url: str
    ca: str = ""
    """File of the authority that signed the broker's certificate."""
    identities: str = ""
    """Folder made by `lapel-fleet provision`; empty when clients need no identity."""
    operator: str = "fleet"
    """The operator identity of that folder with which the run subscribes and sends commands."""
    allow_plain: bool = False
    bind_addresses: list[str] = []
    """Addresses of this machine that cameras connect from, in turn. One has some 28,000 ports for one broker."""
    software: str = ""
    """Name and version of the broker, such as `amqtt 0.12.1`, where known before anything connects to it."""

    @property
    def without_secret(self) -> str:
        """The address without user name and password, fit to be shown."""
        scheme, slashes, rest = self.url.rpartition("//")
        return scheme + slashes + rest.rpartition("@")[2]

    @property
    def host(self) -> str:
        """Host of the first broker, for clients that take no URL."""
        return self.of_operator()[0].host

    @property
    def port(self) -> int:
        """Its port."""
        return self.of_operator()[0].port

    def of_camera(self, agency: str, name: str) -> list[Broker]:
        """The address for the camera `site/name`. Raises ConfigError when it has no identity."""
        return self._with_identity(f"identities/{agency}/{name}", f"{agency}/{name}")

    def of_operator(self) -> list[Broker]:
        """The address for the operator. Raises ConfigError when there is no such operator."""
        return self._with_identity(f"operators/{self.operator}", f"operator {self.operator}")

    def _with_identity(self, file: str, who: str) -> list[Broker]:
        if not self.identities:
            return brokers_at(self.url, ca=Path(self.ca) if self.ca else None, allow_plain=self.allow_plain)
        folder = Path(self.identities)
        cert = folder / f"{file}.crt"
        if not cert.exists():
            raise ConfigError(f"{cert}: there is no identity of {who}; make one with `lapel-fleet provision`")
        ca = Path(self.ca) if self.ca else folder / "ca.crt"
        return brokers_at(self.url, ca=ca, cert=cert, key=folder / f"{file}.key", allow_plain=self.allow_plain)
