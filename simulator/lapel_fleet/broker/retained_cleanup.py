"""What a run leaves at somebody's broker: nothing."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from lapel.errors import LinkError
from lapel.link.contract import LapelV1
from lapel.link.mqtt import MqttTransport, connect_rate
from lapel.link.transport import Envelope, Hello
from lapel_fleet.broker.address import CONNECTS_PER_S, Address

_AT_ONCE = 32
"""Each connect blocks a thread of the loop's pool."""
_KEEPALIVE_S = 15
_LIMIT_S = 15.0
_TRIES = 3
"""The first at a broker that knows only MQTT 3.1.1 fails."""

_log = logging.getLogger(__name__)


async def forget(address: Address, agency: str, names: Sequence[str]) -> None:
    """Take back the retained states and the sessions of cameras that are switched off, each under its own identity: an
    operator may not write what a camera says. A broker that is gone is not waited for.
    """
    admission, turn = connect_rate(CONNECTS_PER_S), asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> None:
        site, camera = name.split("/")
        contract = LapelV1(agency, site, camera)
        transport = MqttTransport(address.of_camera(agency, name), keepalive_s=_KEEPALIVE_S, admission=admission)
        async with turn:
            for _ in range(_TRIES):
                with contextlib.suppress(LinkError):
                    async with transport.connect(Hello(contract.client_id, resume=False)) as connection:
                        await connection.publish(Envelope(contract.state_topic, b"", 1, retain=True))
                        return
            raise LinkError(f"{transport}: the broker still has the state of {agency}/{name}")

    try:
        async with asyncio.timeout(_LIMIT_S + len(names) / CONNECTS_PER_S):
            failures = await asyncio.gather(*(one(name) for name in names), return_exceptions=True)
    except TimeoutError:
        failures = [LinkError(f"{address.url.rpartition('@')[2]}: the broker did not answer in time at the end")]
    for failure in failures:
        if failure is not None:
            _log.warning("%s", failure)
            return
