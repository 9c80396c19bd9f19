"""Carries out what is asked over a run's socket: a line in, a line out. Knows neither sockets nor kinds of time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import cast

from lapel.errors import ConfigError, LapelError
from lapel.hardware.interfaces import ButtonName
from lapel.sanitize import plain
from lapel_fleet.checkers.records import Case
from lapel_fleet.checkers.registry import Finding
from lapel_fleet.control.handles import fault_of
from lapel_fleet.control.interface import FleetControl
from lapel_fleet.control.manual_control import check_button, check_name
from lapel_fleet.control.socket.messages import (
    PROTOCOL,
    Advance,
    Advanced,
    Answer,
    Attach,
    Attached,
    BeginFault,
    Begun,
    Check,
    Done,
    End,
    Hold,
    Judged,
    Mend,
    Mended,
    Online,
    Press,
    Refused,
    Request,
    Seen,
    Standing,
    Status,
    Until,
    Wrong,
    on_line,
    request_in,
)
from lapel_fleet.report.summary import checked
from lapel_fleet.scenario.scenario import Fault

Judge = Callable[[list[Case]], list[Finding]]

_NEWS_LIMIT_S = 10.0
"""Where time is real a finding may be news that is still on its way: it is one if it stays for so long."""
_ASK_AGAIN_S = 0.5


class RequestHandler:
    """What somebody outside wants of a run."""

    def __init__(self, run: FleetControl, run_id: str, scenario: str, seed: int, judge: Judge) -> None:
        self._run, self._run_id, self._scenario, self._seed, self._judge = run, run_id, scenario, seed, judge
        self.end_is_wanted = False
        """Whether somebody asked that the run end; whoever hears it from here ends it."""

    async def answer(self, line: bytes, held: AsyncExitStack) -> bytes:
        """To one request. What cannot be is an answer, too. `held` is what the one who asks has open."""
        try:
            answer: Answer = await self._carried_out(request_in(line), held)
        except LapelError as error:
            answer = Refused(error=plain(str(error)), exit_code=error.exit_code)
        return on_line(answer)

    async def _carried_out(self, request: Request, held: AsyncExitStack) -> Done:
        run = self._run
        match request:
            case Status():
                return await self._standing(request.cameras)
            case BeginFault():
                number = await run.begin_fault(_fault(request))
                return Begun(now_s=run.now_s, number=number)
            case Mend():
                return await self._mended(request.number)
            case Advance():
                behind = await run.advance(request.seconds)
                return Advanced(now_s=run.now_s, behind=behind)
            case Press():
                check_button(request.button, request.times)
                await run.press(request.camera, cast(ButtonName, request.button), request.times)
            case Hold():
                check_button(request.button, seconds=request.seconds)
                await run.hold(request.camera, cast(ButtonName, request.button), request.seconds)
            case Until():
                await run.until_state(request.camera, request.state, request.within_s)
            case Online():
                await run.until_online(*self._named(request.cameras), limit_s=request.within_s)
            case Attach():
                return await self._attached(request.camera, held)
            case Check():
                return await self._judged()
            case End():
                self.end_is_wanted = True
        return Done(now_s=run.now_s)

    def _named(self, names: Sequence[str] | None) -> Sequence[str]:
        for name in names or ():
            check_name(name, self._run.names)
        return self._run.names if names is None else names

    async def _standing(self, names: Sequence[str] | None) -> Standing:
        wanted, snapshots = self._named(names), await self._run.snapshots(self._run.names)
        return Standing(
            protocol=PROTOCOL,
            run=self._run_id,
            scenario=plain(self._scenario),
            time=self._run.time,
            seed=self._seed,
            broker=self._run.broker_url,
            agency=self._run.agency,
            now_s=self._run.now_s,
            counts=dict(Counter(look.state for look in snapshots.values())),
            cameras=[
                Seen(camera=name, state=snapshots[name].state, online=snapshots[name].is_online) for name in wanted
            ],
            faults=[
                Wrong(number=number, kind=fault.kind, at_s=fault.at_s, where=[*fault.sites, *fault.cameras])
                for number, fault in self._run.faults.items()
            ],
        )

    async def _mended(self, number: int | None) -> Mended:
        known = list(self._run.faults)
        if number is not None and number not in known:
            there = f"there are {', '.join(map(str, known))}" if known else "nothing is wrong at the moment"
            raise ConfigError(f"there is no fault {number}; {there}")
        numbers = known if number is None else [number]
        for one in numbers:
            await self._run.end_fault(one)
        return Mended(now_s=self._run.now_s, numbers=numbers)

    async def _attached(self, name: str, held: AsyncExitStack) -> Attached:
        port = await self._run.attach(name)
        held.push_async_callback(self._run.detach, name)
        return Attached(now_s=self._run.now_s, path=port.path, role=port.role, secret=port.secret)

    async def _judged(self) -> Judged:
        findings = self._judge(await self._run.cases())
        left = round(_NEWS_LIMIT_S / _ASK_AGAIN_S) if self._run.time == "live" else 0
        while left and any(one.failures for one in findings):
            await asyncio.sleep(_ASK_AGAIN_S)
            findings, left = self._judge(await self._run.cases()), left - 1
        passed = not any(one.failures for one in findings)
        return Judged(now_s=self._run.now_s, passed=passed, checkers=checked(findings))


def _fault(request: BeginFault) -> Fault:
    parameters = dict(request.fault)
    kind = parameters.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError('fault: say its "kind"; `lapel-fleet faults` lists them')
    return fault_of(kind, parameters)
