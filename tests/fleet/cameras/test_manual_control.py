"""Faults injected by hand, and their times."""

from lapel_fleet.cameras.manual_control import ManualFaults
from lapel_fleet.scenario.faults import Fault


def test_faults_are_kept_with_their_times() -> None:
    now_s = 10.0
    faults = ManualFaults(lambda: now_s)
    first, second = faults.new_number(), faults.new_number()
    faults.begin(first, Fault(kind="heat"))
    now_s = 20.0
    faults.begin(second, Fault(kind="card.full"))
    now_s = 25.0
    faults.end(second)
    faults.end(second)
    now_s = 40.0
    assert {number: fault.at_s for number, fault in faults.active.items()} == {first: 10.0}
    assert [(one.kind, one.at_s, one.for_s) for one in faults.all] == [("heat", 10.0, 30.0), ("card.full", 20.0, 5.0)]
