import random

from lapel_fleet.hardware.battery import SimulatedBattery
from lapel_fleet.hardware.dock import SimulatedDock
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


def test_the_battery_charges_while_docked() -> None:
    async def program(clock: VirtualClock) -> None:
        battery = SimulatedBattery(clock, random.Random(1), percent=10)
        dock = SimulatedDock(battery)
        dock.put_in()
        dock.put_in()
        assert battery.charge().charging
        await clock.sleep(3600)
        dock.take_out()
        assert not battery.charge().charging
        assert battery.charge().percent > 40
        assert (dock.history, battery.history) == (["put in", "take out"], ["charger on", "charger off"])

    run_virtual(program)
