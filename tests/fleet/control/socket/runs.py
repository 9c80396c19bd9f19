"""A run that keeps the requests it gets and does nothing else."""

from collections.abc import Mapping, Sequence

from lapel_fleet.cameras.actions import Action
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.cameras.manual_control import ManualFaults, ServicePort, check_fault, check_name, check_state
from lapel_fleet.checkers.records import Case
from lapel_fleet.runs.run import Time
from lapel_fleet.scenario.faults import Fault


class RecordingRun:
    """Implements `lapel_fleet.runs.control.FleetControl`."""

    agency, broker_url = "fleet", "mqtt://127.0.0.1"
    now_s = 12.0

    def __init__(self, time: Time = "stepped") -> None:
        self.time: Time = time
        self.names = ["baltimore/cam-0001", "buffalo/cam-0001"]
        self.done: list[tuple[object, ...]] = []
        self.trace: list[str] = []
        self._faults = ManualFaults(lambda: self.now_s)

    @property
    def faults(self) -> Mapping[int, Fault]:
        return self._faults.active

    async def snapshots(self, names: Sequence[str]) -> Mapping[str, CameraSnapshot]:
        return {name: CameraSnapshot(state="buffering", is_reported=True, is_online=True, trouble="") for name in names}

    async def advance(self, seconds: float) -> list[str]:
        self.done.append(("advance", seconds))
        return ["buffalo/cam-0001"]

    async def act(self, action: Action) -> None:
        action.check()
        check_name(action.camera, self.names)
        self.done.append(("act", action))

    def note(self, subject: str, text: str) -> None:
        self.trace.append(f"{subject} {text}")

    async def until_state(self, name: str, state: str, within_s: float) -> None:
        check_name(name, self.names)
        check_state(state)
        self.done.append(("until", name, state, within_s))

    async def until_online(self, *names: str, limit_s: float) -> None:
        self.done.append(("online", *names, limit_s))

    async def attach(self, name: str) -> ServicePort:
        check_name(name, self.names)
        self.done.append(("attach", name))
        return ServicePort(path="/dev/pts/7", role="service", secret="0123")

    async def detach(self, name: str) -> None:
        self.done.append(("detach", name))

    async def begin_fault(self, fault: Fault) -> int:
        check_fault(fault, self.names)
        number = self._faults.new_number()
        self._faults.begin(number, fault)
        return number

    async def end_fault(self, number: int) -> None:
        self._faults.end(number)

    async def cases(self) -> list[Case]:
        return []
