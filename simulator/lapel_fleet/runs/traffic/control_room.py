"""The control room of a run: receives what the cameras publish, sends commands, and injects faults at its own end."""

import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace

from lapel_fleet.broker.delivery import delivery_loss
from lapel_fleet.checkers.records import ActualRecord, Case
from lapel_fleet.checkers.uploads import Upload, uploads_by_camera
from lapel_fleet.runs.evidence_back_end.faults import Faults
from lapel_fleet.runs.measurement.samples import BUCKETS, Sampler
from lapel_fleet.runs.trace import BROKER, EVIDENCE_BACK_END, Trace
from lapel_fleet.runs.traffic.dispatcher import Dispatcher, Send
from lapel_fleet.runs.traffic.received import ReceivedMessages
from lapel_fleet.scenario.encounters import planned_encounters
from lapel_fleet.scenario.faults import EVIDENCE, Fault, affected_cameras
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.jobs import JobGroup
from lapel_fleet.time.simulated_clock import SimulatedClock
from lapel_fleet.time.timelines import Timeline

_TELEMETRY_KEPT = 50
"""Telemetry messages kept of each camera: thousands of cameras publish more than memory should hold."""
Switch = Callable[[], Awaitable[None]]
"""Stops or starts the broker."""


class ControlRoom:
    """Received messages, a dispatcher, and the faults of broker and commands.

    The faults of cameras are injected by the workers, perhaps in other processes; here they only go into the trace.
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
        evidence: Faults | None = None,
        broker: Callable[[], str] = lambda: "virtual",
    ) -> None:
        """`among` are this shard's cameras; `send` publishes a command; `broker` returns its name and version;
        `evidence`: the faults of the evidence back end.
        """
        self.broker = broker
        self._scenario, self._among, self._streams, self._time, self._trace = scenario, among, streams, time, trace
        self._stop_broker, self._start_broker, self._evidence = stop_broker, start_broker, evidence
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
        """Begin the day. Called before the cameras' day, so that the trace has a fault before its consequences."""
        self._began_s = self._time.mono_s()
        if self._scenario.operator.commands_per_hour:
            rng = self._streams.stream("fleet", "operator")
            self._jobs.start(self.dispatcher.run(self._scenario, rng, self._among))
        if self._scenario.encounters:
            for name in self.received_messages.received:
                self._jobs.start(self._take_part(name))
        for number, fault in enumerate(self._scenario.faults):
            self._jobs.start(self._inject(fault, number))

    async def end(self) -> None:
        """End the day, with the broker running."""
        await self._jobs.end()
        await self._start_broker()

    def cases(self, actual_records: Iterable[ActualRecord], uploads: Sequence[Upload] | None = None) -> list[Case]:
        """The actual record of each camera, with the commands that reached it, and its received record. `uploads`: what
        the evidence back end received; None where that is not known.
        """
        actual_records = list(actual_records)
        cameras = {account.recording: one.camera for one in actual_records for account in one.accounts}
        uploaded = uploads_by_camera(uploads or (), cameras)
        self.sampler.uploads(
            (one.at_s - self._began_s, one.size_bytes) for one in uploads or () if one.step == "stored"
        )
        dispatched, received = self.dispatcher.dispatched, self.received_messages.received
        outages, loss = list(self._outages), delivery_loss(self.broker())
        return [
            (
                replace(dispatched[one.camera].added_to(one), outages=outages),
                replace(
                    received[one.camera].snapshot(),
                    delivery_loss=loss,
                    uploads=None if uploads is None else uploaded.get(one.camera, []),
                ),
            )
            for one in actual_records
        ]

    async def _take_part(self, name: str) -> None:
        """Do what the dispatcher does in the encounters of one camera."""
        for one in planned_encounters(self._scenario.encounters, name, self._streams, self._scenario.duration_s):
            if one.kind.declared_by == "dispatcher":
                await self._sleep_until(one.declared_s)
                for what in one.kind.declared:
                    self.dispatcher.declare(name, what, one.lasts_s, f"encounter-{one.number}-{what}")
            if one.dispatcher_s is not None:
                await self._sleep_until(one.dispatcher_s)
                self.dispatcher.ask_for_recording(name, f"encounter-{one.number}")

    async def _sleep_until(self, at_s: float) -> None:
        """Until that second of the day."""
        await self._time.sleep(self._began_s + at_s - self._time.mono_s())

    async def _inject(self, fault: Fault, number: int) -> None:
        await self._time.sleep(fault.at_s)
        if fault.kind == "broker.outage":
            await self._outage(fault)
            return
        if fault.kind.startswith(EVIDENCE):
            await self._disturb_evidence(fault)
            return
        for name in affected_cameras(fault, number, self.received_messages.received, self._streams):
            self._trace_fault(name, fault)
            if fault.kind == "command.late":
                self.dispatcher.send_expired_start(name, f"late-{number}", abs(fault.step_s))
            elif fault.kind == "command.duplicate":
                self.dispatcher.send_duplicate_starts(name, f"twice-{number}")

    async def _disturb_evidence(self, fault: Fault) -> None:
        if self._evidence is None:
            return
        self._trace_fault(EVIDENCE_BACK_END, fault)
        name = fault.kind.removeprefix(EVIDENCE)
        self._evidence.begin(name)
        try:
            await self._time.sleep(fault.for_s)
        finally:
            self._evidence.end(name)

    async def _outage(self, fault: Fault) -> None:
        self._trace_fault(BROKER, fault)
        began_s = self._time.mono_s()
        self._outages.append((began_s, math.inf))
        try:
            await self._stop_broker()
            await self._time.sleep(fault.for_s)
            await self._start_broker()
        finally:
            self._outages[self._outages.index((began_s, math.inf))] = (began_s, self._time.mono_s())

    def _trace_fault(self, subject: str, fault: Fault) -> None:
        length = f" for {fault.for_s:g} s" if fault.for_s else ""
        self._trace.add(self._time.mono_s(), subject, f"{fault.kind}{length}")
