"""The other end of a run: hears the cameras, commands them, and lets its own things go wrong."""

import math
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace

from lapel_fleet.broker.delivery import delivery_loss
from lapel_fleet.checkers.records import ActualRecord, Case
from lapel_fleet.runs.measurement.samples import BUCKETS, Sampler
from lapel_fleet.runs.trace import Trace
from lapel_fleet.runs.traffic.dispatcher import Dispatcher, Send
from lapel_fleet.runs.traffic.received import ReceivedMessages
from lapel_fleet.scenario.faults import Fault, affected_cameras
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.jobs import JobGroup
from lapel_fleet.time.simulated_clock import SimulatedClock
from lapel_fleet.time.timelines import Timeline

_TELEMETRY_KEPT = 50
"""How many telemetry messages of each camera are kept of a run: thousands of cameras say more than anybody needs."""
Switch = Callable[[], Awaitable[None]]


class ControlRoom:
    """A listener and a dispatcher, and the faults that happen at their end: the broker's and the commands'.

    Those of the cameras happen elsewhere, perhaps in other processes; here they are noted when their time comes.
    """

    def __init__(
        self,
        scenario: Scenario,
        among: Collection[str],
        streams: RandomStreams,
        agency: str,
        time: Timeline,
        trace: Trace,
        send: Send,
        *,
        stop_broker: Switch,
        start_broker: Switch,
        keeps_time: bool = True,
        broker: Callable[[], str] = lambda: "virtual",
    ) -> None:
        """`among` are this shard's cameras; `send` publishes a command; `broker` returns its name and version."""
        self.broker = broker
        self._scenario, self._among, self._streams, self._time, self._trace = scenario, among, streams, time, trace
        self._stop_broker, self._start_broker = stop_broker, start_broker
        self._jobs = JobGroup(time)
        self.received_messages = ReceivedMessages(
            sorted(among, key=scenario.cameras.index),
            trace,
            time.mono_s,
            keeps_time=keeps_time,
            telemetry_every_s=scenario.duration_s / _TELEMETRY_KEPT,
        )
        self._began_s = 0.0
        self._outages: list[tuple[float, float]] = []
        every_s = scenario.duration_s / BUCKETS
        self.sampler = Sampler(lambda: max(0.0, time.mono_s() - self._began_s), every_s, scenario.duration_s)
        self.received_messages.on_message.append(
            lambda name, leaf, _: self.sampler.message(leaf, name.partition("/")[0])
        )
        self.dispatcher = Dispatcher(
            agency, SimulatedClock(time), self.received_messages, send, self._jobs, self.sampler
        )

    def begin(self) -> None:
        """The day begins. Before that of the cameras, so that a fault stands in the trace before what it does."""
        self._began_s = self._time.mono_s()
        if self._scenario.operator.commands_per_hour:
            rng = self._streams.stream("fleet", "operator")
            self._jobs.start(self.dispatcher.work(self._scenario, rng, self._among))
        for number, fault in enumerate(self._scenario.faults):
            self._jobs.start(self._go_wrong(fault, number))

    async def end(self) -> None:
        """The day is over, and the broker there."""
        await self._jobs.end()
        await self._start_broker()

    def cases(self, actual_records: Iterable[ActualRecord]) -> list[Case]:
        """What is true of each camera, what was asked of it, and what was heard."""
        dispatched, received = self.dispatcher.dispatched, self.received_messages.received
        outages, loss = list(self._outages), delivery_loss(self.broker())
        return [
            (
                replace(dispatched[one.camera].added_to(one), outages=outages),
                replace(received[one.camera].snapshot(), delivery_loss=loss),
            )
            for one in actual_records
        ]

    async def _go_wrong(self, fault: Fault, number: int) -> None:
        await self._time.sleep(fault.at_s)
        if fault.kind == "broker.outage":
            await self._outage(fault)
            return
        for name in affected_cameras(fault, number, self.received_messages.received, self._streams):
            self._note(name, fault)
            if fault.kind == "command.late":
                self.dispatcher.start_late(name, f"late-{number}", abs(fault.step_s))
            elif fault.kind == "command.duplicate":
                self.dispatcher.start_twice(name, f"twice-{number}")

    async def _outage(self, fault: Fault) -> None:
        self._note("broker", fault)
        began_s = self._time.mono_s()
        self._outages.append((began_s, math.inf))
        try:
            await self._stop_broker()
            await self._time.sleep(fault.for_s)
            await self._start_broker()
        finally:
            self._outages[self._outages.index((began_s, math.inf))] = (began_s, self._time.mono_s())

    def _note(self, who: str, fault: Fault) -> None:
        lasts = f" for {fault.for_s:g} s" if fault.for_s else ""
        self._trace.add(self._time.mono_s(), who, f"{fault.kind}{lasts}")
