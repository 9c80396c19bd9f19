"""A run that does nothing but remember what was asked of it."""

from collections.abc import Mapping, Sequence

from lapel.hardware.interfaces import ButtonName
from lapel_fleet.cameras.camera import CameraSnapshot
from lapel_fleet.checkers.records import Case
from lapel_fleet.control.manual_control import ManualFaults, ServicePort, check_fault, check_name, check_state
from lapel_fleet.runs.run import Time
from lapel_fleet.scenario.scenario import Fault


class RememberedRun:
    """Implements `lapel_fleet.control.interface.FleetControl`."""

    agency, broker_url = "fleet", "mqtt://127.0.0.1"
    now_s = 12.0

    def __init__(self, time: Time = "stepped") -> None:
        self.time: Time = time
        self.names = ["baltimore/cam-0001", "buffalo/cam-0001"]
        self.done: list[tuple[object, ...]] = []
        self._asked = ManualFaults(lambda: self.now_s)

    @property
    def faults(self) -> Mapping[int, Fault]:
        return self._asked.now

    async def snapshots(self, names: Sequence[str]) -> Mapping[str, CameraSnapshot]:
        return {name: CameraSnapshot(state="buffering", is_reported=True, is_online=True, trouble="") for name in names}

    async def advance(self, seconds: float) -> list[str]:
        self.done.append(("advance", seconds))
        return ["buffalo/cam-0001"]

    async def press(self, name: str, button: ButtonName, times: int) -> None:
        check_name(name, self.names)
        self.done.append(("press", name, button, times))

    async def hold(self, name: str, button: ButtonName, seconds: float) -> None:
        check_name(name, self.names)
        self.done.append(("hold", name, button, seconds))

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
        number = self._asked.number()
        self._asked.began(number, fault)
        return number

    async def end_fault(self, number: int) -> None:
        self._asked.ended(number)

    async def cases(self) -> list[Case]:
        return []
