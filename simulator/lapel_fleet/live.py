"""A run against a real broker, in real time or a multiple of it, in one process or several."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from lapel.clock import SystemClock
from lapel.errors import ConfigError
from lapel.link.transport import Envelope
from lapel_fleet import lag
from lapel_fleet.address import Address
from lapel_fleet.broker import Broker, embedded_broker
from lapel_fleet.clock import ScaledTime
from lapel_fleet.control_room import ControlRoom
from lapel_fleet.crew import Crew, Glance, Order, local_crew, process_crew, together
from lapel_fleet.listening import Listener, listening
from lapel_fleet.run import AGENCY, Run
from lapel_fleet.scenario import Scenario
from lapel_fleet.surroundings import CONNECTS_PER_S, check_media
from lapel_fleet.trace import Trace
from lapel_fleet.world import World

AMQTT_CAMERAS = 100
"""amqtt serves so many well (measured: 400 with one message a second are its end, and a core)."""
CAMERAS_PER_PROCESS = 5_000
"""Open files per process are limited to 20,000 where this was measured; one process per core is of use before that."""
UP_LIMIT_S = 60.0
SETTLE_LIMIT_S = 90.0
"""Longer than the longest back-off of a link."""
_LOOK_S = 0.5
_LAG_LIMIT_S = 1.0
"""A fleet whose loop is later than this was not given real time."""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """How to run live."""

    address: Address | None = None
    """Somebody's broker; without one, one of our own is started."""
    agency: str = ""
    """Empty: `fleet` on our own broker, a name of the run's own on somebody else's."""
    speed: float = 1.0
    workers: int = 0
    """Processes; 0: as many as the fleet asks for."""
    connects_per_s: float = CONNECTS_PER_S


class _Told:
    """What everybody wants to know while it runs."""

    def __init__(self) -> None:
        self.lags_s: list[float] = []
        self.glance = Glance(states={}, online=0, lags_s=[])

    def look(self, glance: Glance) -> None:
        """The newest; its lags are kept."""
        self.glance = glance
        self.lags_s += glance.lags_s


Progress = Callable[[float, Glance], None]


async def run_live(
    scenario: Scenario,
    seed: int,
    how: Live,
    trace: Path | None = None,
    progress: Progress = lambda share, glance: None,  # noqa: ARG005
) -> Run:
    """A whole run. Raises LinkError (no broker), ConfigError (it cannot be run so), StorageError (no trace)."""
    check_media(scenario, how.speed)
    async with AsyncExitStack() as stack:
        broker, address = await _broker(stack, scenario, how)
        agency = how.agency or (AGENCY if broker else f"sim-{secrets.token_hex(4)}")
        world, lines = World(seed), Trace(trace)
        time = ScaledTime(how.speed)
        listener: Listener

        def send(topic: str, payload: bytes) -> bool:
            listener.send(Envelope(topic, payload, 1, retain=False))
            _, _, _, site, camera, _ = topic.split("/")
            return room.hearing.is_online(f"{site}/{camera}")

        room = ControlRoom(
            scenario, scenario.cameras, world, agency, time, lines, send,
            stop_broker=broker.stop if broker else _nothing, start_broker=broker.start if broker else _nothing,
        )  # fmt: skip
        listener = Listener(address.of_operator(), agency, secrets.token_hex(4), room.hearing.hear)
        await stack.enter_async_context(listening(listener))
        if broker is None:
            stack.push_async_callback(_forget, listener, scenario, agency)
        order = Order(
            scenario=scenario, seed=seed, agency=agency, address=address, own_broker=broker is not None,
            speed=how.speed, began_s=time.began_s, connects_per_s=how.connects_per_s,
        )  # fmt: skip
        crews = await _crews(stack, order, how.workers)
        told = _Told()
        inconclusive = await _day(scenario, time, room, crews, listener, told, progress)
        cases = room.cases([truth for crew in crews for truth in await crew.truths()])
        return Run(
            seed=seed, cases=cases, trace_sha256=lines.close(), trace_lines=lines.lines, time="live",
            messages=room.hearing.messages, domain_s=time.mono_s(), inconclusive=inconclusive,
            broker=f"{broker.name} {broker.version}" if broker else listener.broker,
        )  # fmt: skip


async def _broker(stack: AsyncExitStack, scenario: Scenario, how: Live) -> tuple[Broker | None, Address]:
    if how.address is not None:
        return None, how.address
    broker = await stack.enter_async_context(embedded_broker())
    if broker.name == "amqtt" and len(scenario.cameras) > AMQTT_CAMERAS:
        raise ConfigError(
            f"{len(scenario.cameras)} cameras need a Mosquitto, and there is none: install it, name a broker with "
            f"--broker, or run in virtual time with --virtual; the broker in this process serves {AMQTT_CAMERAS}"
        )
    return broker, Address(url=broker.url)


async def _crews(stack: AsyncExitStack, order: Order, workers: int) -> list[Crew]:
    """One in this process for a small fleet; else processes, so that the control room is not held up."""
    count = len(order.scenario.cameras)
    wanted = workers or (0 if count <= AMQTT_CAMERAS else -(-count // CAMERAS_PER_PROCESS))
    if wanted == 0:
        return [await stack.enter_async_context(local_crew(order))]
    crews: list[Crew] = []
    for number in range(wanted):
        share = msgspec.structs.replace(order, shard=(number, wanted), connects_per_s=order.connects_per_s / wanted)
        crews.append(await stack.enter_async_context(process_crew(share)))
    return crews


async def _day(
    scenario: Scenario,
    time: ScaledTime,
    room: ControlRoom,
    crews: list[Crew],
    listener: Listener,
    told: _Told,
    progress: Progress,
) -> list[str]:
    """From the first connect to the last message. Why the run proves nothing, if it does not."""
    count = len(scenario.cameras)
    async with _measured(told):
        up = await _until_online(count, crews, told, UP_LIMIT_S + count / CONNECTS_PER_S, progress)
        if not up:
            return [f"only {told.glance.online} of {count} cameras came up"]
        told.lags_s.clear()  # of the beginning, which is not part of the day
        began_s = time.mono_s()
        for crew in crews:
            await crew.begin()
        room.begin()
        while (share := (time.mono_s() - began_s) / scenario.duration_s) < 1:
            await asyncio.sleep(min(_LOOK_S, 0.05 + scenario.duration_s / 100))
            told.look(together([await crew.glance() for crew in crews]))
            progress(min(share, 1.0), told.glance)
        late_s = sorted(told.lags_s)[int(0.99 * len(told.lags_s))] if told.lags_s else 0.0
        await room.end()
        for crew in crews:
            await crew.end()
        await _until_online(count, crews, told, SETTLE_LIMIT_S, progress)
        await listener.quiet(10.0)
    inconclusive = []
    if not listener.is_up.is_set():
        inconclusive.append(f"the broker is gone: {listener.trouble}")
    if late_s > _LAG_LIMIT_S:
        inconclusive.append(f"real time was lost: one wake-up in a hundred came {late_s:.1f} s late")
    return inconclusive


async def _until_online(count: int, crews: list[Crew], told: _Told, limit_s: float, progress: Progress) -> bool:
    """Every camera's link is up and has nothing left to say; False when that takes too long."""
    clock = SystemClock()
    deadline_s = clock.mono_s() + limit_s
    while clock.mono_s() < deadline_s:
        told.look(together([await crew.glance() for crew in crews]))
        progress(0.0, told.glance)
        if told.glance.online == count:
            return True
        await asyncio.sleep(_LOOK_S / 5)
    return False


async def _forget(listener: Listener, scenario: Scenario, agency: str) -> None:
    """Somebody else's broker keeps nothing of us."""
    for name in scenario.cameras:
        listener.send(Envelope(f"lapel/v1/{agency}/{name}/state", b"", 1, retain=True))
    await listener.quiet(10.0)


@asynccontextmanager
async def _measured(told: _Told) -> AsyncIterator[None]:
    """The control room's own loop counts as well: what it hears late is not the cameras' fault."""
    measuring = asyncio.create_task(lag.measure(told.lags_s.append), name="lag")
    try:
        yield
    finally:
        measuring.cancel()
        await asyncio.wait([measuring])


async def _nothing() -> None:
    """Somebody else's broker is not ours to stop."""


def states_of(glance: Glance) -> Counter[str]:
    """How many cameras are in which state."""
    total: Counter[str] = Counter()
    for counts in glance.states.values():
        total.update(counts)
    return total
