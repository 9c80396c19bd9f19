"""What somebody let go wrong, and when it was."""

from lapel_fleet.control.manual_control import ManualFaults
from lapel_fleet.scenario.scenario import Fault


def test_faults_are_remembered_with_their_times() -> None:
    now_s = 10.0
    asked = ManualFaults(lambda: now_s)
    first, second = asked.number(), asked.number()
    asked.began(first, Fault(kind="heat"))
    now_s = 20.0
    asked.began(second, Fault(kind="card.full"))
    now_s = 25.0
    asked.ended(second)
    asked.ended(second)
    now_s = 40.0
    assert {number: fault.at_s for number, fault in asked.now.items()} == {first: 10.0}
    assert [(one.kind, one.at_s, one.for_s) for one in asked.ever] == [("heat", 10.0, 30.0), ("card.full", 20.0, 5.0)]
