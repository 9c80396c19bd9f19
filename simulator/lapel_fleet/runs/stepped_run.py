"""A run whose time stands still, controlled from outside until somebody ends it. Nobody in it acts by himself."""

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
"""Links live in real time, which somebody waits for: that a line is dead is noticed after one and a half keepalives."""


async def run_stepped(
    scenario: Scenario,
    seed: int,
    open_control: OpenControl,
    address: Address | None,
    agency: str,
    trace: Path | None = None,
) -> Run:
    """Until whoever steers, Ctrl-C or SIGTERM ends it. Of the scenario it has the cameras and what they keep; its
    wearers, operator, shifts and faults stay away. Without an `address` there is a broker of its own; without an
    `agency` it is one of the run's own on somebody else's broker. Raises LinkError, ConfigError, StorageError.
    """
    hasty = msgspec.structs.replace(scenario, keepalive_s=_KEEPALIVE_S, spread_s=_SPREAD_S)
    run_id = secrets.token_hex(4)
    async with AsyncExitStack() as stack:
        own = (
            None if address else await stack.enter_async_context(embedded_broker(nodelay=True, own_process_group=True))
        )
        where = address or Address(url=own.url if own else "", software=f"{own.name} {own.version}" if own else "")
        who = agency or (AGENCY if own else f"sim-{run_id}")
        fleet = await stack.enter_async_context(stepped_fleet(hasty, seed, who, where, run_id, Trace(trace)))
        async with open_control(fleet) as ended:
            with _ended_by_signals(ended):
                await ended.wait()
        await fleet.mend_all()
        return await fleet.result()


@contextmanager
def _ended_by_signals(ended: asyncio.Event) -> Iterator[None]:
    """Once: the second Ctrl-C interrupts, as ever."""
    loop, stops = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in stops:
        loop.add_signal_handler(number, ended.set)
    try:
        yield
    finally:
        for number in stops:
            loop.remove_signal_handler(number)
