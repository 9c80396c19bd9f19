"""A stepped run, controlled from outside until it is ended. Of the scenario it uses the cameras and their settings."""

import asyncio
import secrets
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import msgspec

from lapel_fleet.broker.address import Address
from lapel_fleet.broker.embedded import embedded_broker
from lapel_fleet.runs.control import OpenControl
from lapel_fleet.runs.run import AGENCY, Run
from lapel_fleet.runs.stepped import stepped_fleet
from lapel_fleet.runs.trace import Trace
from lapel_fleet.scenario.scenario import Scenario

_KEEPALIVE_S, _SPREAD_S = 2.0, 0.2
"""Links run in real time, for which a test waits: a dead link is detected after one and a half keepalives."""


async def run_stepped(
    scenario: Scenario,
    seed: int,
    open_control: OpenControl,
    address: Address | None,
    agency: str,
    trace: Path | None = None,
) -> Run:
    """Run until a client, Ctrl-C or SIGTERM ends it.

    `address`: the user's broker; None: an embedded one is started. `agency`: empty for `fleet` on an embedded broker,
    and for a random name on the user's. Raises LinkError, ConfigError, StorageError.
    """
    impatient = msgspec.structs.replace(scenario, keepalive_s=_KEEPALIVE_S, spread_s=_SPREAD_S)
    run_id = secrets.token_hex(4)
    async with AsyncExitStack() as stack:
        own = (
            None if address else await stack.enter_async_context(embedded_broker(nodelay=True, own_process_group=True))
        )
        where = address or Address(url=own.url if own else "", software=f"{own.name} {own.version}" if own else "")
        agency = agency or (AGENCY if own else f"sim-{run_id}")
        fleet = await stack.enter_async_context(stepped_fleet(impatient, seed, agency, where, run_id, Trace(trace)))
        async with open_control(fleet) as ended:
            with _set_by_signals(ended):
                await ended.wait()
        await fleet.end_all_faults()
        return await fleet.result()


@contextmanager
def _set_by_signals(ended: asyncio.Event) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP set `ended` while the block runs; a second Ctrl-C, after it, interrupts."""
    loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, ended.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
