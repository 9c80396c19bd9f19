"""Carries out the requests on a run's control socket: a line in, a line out. Knows no sockets and no clock."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from lapel.errors import ConfigError, LapelError
from lapel.sanitize import plain
from lapel_fleet.cameras.actions import Action, action_text
from lapel_fleet.cameras.manual_control import check_name
from lapel_fleet.checkers.records import Case
from lapel_fleet.checkers.registry import Finding, overall
from lapel_fleet.control.fleet_thread import manual_fault
from lapel_fleet.control.socket.messages import (
    PROTOCOL,
    ActiveFault,
    Advance,
    Advanced,
    Answer,
    Attach,
    Attached,
    BeginFault,
    Begun,
    CameraStatus,
    Check,
    Done,
    End,
    Ended,
    EndFault,
    Judged,
    Online,
    Refused,
    Request,
    RunStatus,
    Status,
    Until,
    on_line,
    request_in,
)
from lapel_fleet.report.summary import checker_results
from lapel_fleet.runs.control import FleetControl
from lapel_fleet.scenario.faults import Fault

Judge = Callable[[list[Case]], list[Finding]]

_DELIVERY_LIMIT_S = 10.0
"""In a live run a failure may be due to a message that is still on its way: it counts if it stays for so long."""
_RETRY_S = 0.5


class RequestHandler:
    """Answers the requests of all connections to a run."""

    def __init__(self, run: FleetControl, run_id: str, scenario: str, seed: int, judge: Judge) -> None:
        self._run, self._run_id, self._scenario, self._seed, self._judge = run, run_id, scenario, seed, judge
        self.end_requested = False
        """Whether a client requested the end of the run."""

    async def answer(self, line: bytes, opened: AsyncExitStack) -> bytes:
        """The answer to one request; an error is an answer, too. `opened`: what this connection has opened."""
        try:
            answer: Answer = await self._carry_out(request_in(line), opened)
        except LapelError as error:
            answer = Refused(error=plain(str(error)), exit_code=error.exit_code)
        return on_line(answer)

    async def _carry_out(self, request: Request, opened: AsyncExitStack) -> Done:
        run = self._run
        match request:
            case Action():
                request.check()
                check_name(request.camera, run.names)
                run.note(request.camera, f"{action_text(request)}, by hand{_by(request.by)}")
                await run.act(request)
            case Status():
                return await self._status(request.cameras)
            case BeginFault():
                fault = _fault(request)
                number = await run.begin_fault(fault)
                where = ", ".join([*fault.sites, *fault.cameras]) or "run"
                run.note(where, f"{fault.kind}, by hand{_by(request.by)}, as fault {number}")
                return Begun(now_s=run.now_s, number=number)
            case EndFault():
                return await self._end_faults(request.number, request.by)
            case Advance():
                behind = await run.advance(request.seconds)
                return Advanced(now_s=run.now_s, behind=behind)
            case Until():
                await run.until_state(request.camera, request.state, request.within_s)
            case Online():
                await run.until_online(*self._checked_names(request.cameras), limit_s=request.within_s)
            case Attach():
                return await self._attach(request.camera, opened)
            case Check():
                return await self._check()
            case End():
                self.end_requested = True
        return Done(now_s=run.now_s)

    def _checked_names(self, names: Sequence[str] | None) -> Sequence[str]:
        for name in names or ():
            check_name(name, self._run.names)
        return self._run.names if names is None else names

    async def _status(self, names: Sequence[str] | None) -> RunStatus:
        listed, snapshots = self._checked_names(names), await self._run.snapshots(self._run.names)
        return RunStatus(
            protocol=PROTOCOL,
            run=self._run_id,
            scenario=plain(self._scenario),
            time=self._run.time,
            seed=self._seed,
            broker=self._run.broker_url,
            agency=self._run.agency,
            now_s=self._run.now_s,
            counts=dict(Counter(one.state for one in snapshots.values())),
            cameras=[
                CameraStatus(camera=name, state=snapshots[name].state, online=snapshots[name].is_online)
                for name in listed
            ],
            faults=[
                ActiveFault(number=number, kind=fault.kind, at_s=fault.at_s, where=[*fault.sites, *fault.cameras])
                for number, fault in self._run.faults.items()
            ],
        )

    async def _end_faults(self, number: int | None, by: str) -> Ended:
        known = list(self._run.faults)
        if number is not None and number not in known:
            there = f"there are {', '.join(map(str, known))}" if known else "no fault is active"
            raise ConfigError(f"there is no fault {number}; {there}")
        numbers = known if number is None else [number]
        for one in numbers:
            await self._run.end_fault(one)
            self._run.note("run", f"fault {one} ended, by hand{_by(by)}")
        return Ended(now_s=self._run.now_s, numbers=numbers)

    async def _attach(self, name: str, opened: AsyncExitStack) -> Attached:
        port = await self._run.attach(name)
        opened.push_async_callback(self._run.detach, name)
        return Attached(now_s=self._run.now_s, path=port.path, role=port.role, secret=port.secret)

    async def _check(self) -> Judged:
        findings = self._judge(await self._run.cases())
        left = round(_DELIVERY_LIMIT_S / _RETRY_S) if self._run.time == "live" else 0
        while left and overall(findings) == "failed":
            await asyncio.sleep(_RETRY_S)
            findings, left = self._judge(await self._run.cases()), left - 1
        verdict = overall(findings)
        checkers = checker_results(findings)
        return Judged(now_s=self._run.now_s, passed=verdict == "passed", verdict=verdict, checkers=checkers)


def _by(name: str) -> str:
    return f" ({plain(name)})" if name else ""


def _fault(request: BeginFault) -> Fault:
    parameters = dict(request.fault)
    kind = parameters.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError('fault: give its "kind"; `lapel-fleet faults` lists them')
    return manual_fault(kind, parameters)
