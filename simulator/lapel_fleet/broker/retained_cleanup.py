"""Removes what a run leaves on the user's broker: the retained states and the sessions of its cameras."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from lapel.errors import LinkError
from lapel.link.contract import LapelV1
from lapel.link.mqtt import MqttTransport, connect_rate
from lapel.link.transport import Envelope, Hello
from lapel_fleet.broker.address import CONNECTS_PER_S, Address

_MOST_AT_ONCE = 32
"""Each connect blocks a thread of the loop's pool."""
_KEEPALIVE_S = 15
_LIMIT_S = 15.0
_TRIES = 3
"""With a broker that knows only MQTT 3.1.1 the first try fails."""

_log = logging.getLogger(__name__)


async def clear_retained_states(address: Address, agency: str, names: Sequence[str]) -> None:
    """Clear the retained states and the sessions of cameras that are switched off.

    Connects as each camera, because an operator may not publish a camera's messages. Does not wait for a broker that is
    away; logs a warning for what could not be cleared.
    """
    admission, free_slot = connect_rate(CONNECTS_PER_S), asyncio.Semaphore(_MOST_AT_ONCE)

    async def clear(name: str) -> None:
        site, camera = name.split("/")
        contract = LapelV1(agency, site, camera)
        transport = MqttTransport(address.of_camera(agency, name), keepalive_s=_KEEPALIVE_S, admission=admission)
        async with free_slot:
            for _ in range(_TRIES):
                with contextlib.suppress(LinkError):
                    async with transport.connect(Hello(contract.client_id, resume=False)) as connection:
                        await connection.publish(Envelope(contract.state_topic, b"", 1, retain=True))
                        return
            raise LinkError(f"{transport}: the retained state of {agency}/{name} could not be cleared")

    try:
        async with asyncio.timeout(_LIMIT_S + len(names) / CONNECTS_PER_S):
            failures = await asyncio.gather(*(clear(name) for name in names), return_exceptions=True)
    except TimeoutError:
        failures = [
            LinkError(f"{address.url.rpartition('@')[2]}: did not answer in time; retained states are left on it")
        ]
    for failure in failures:
        if failure is not None:
            _log.warning("%s", failure)
            return
