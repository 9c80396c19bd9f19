import random

from lapel_fleet.hardware.battery import SimulatedBattery
from lapel_fleet.hardware.dock import SimulatedDock
from lapel_fleet.hardware.docking_station import DockingStation, stations_of
from lapel_fleet.scenario.offload import DockingStations
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


def test_cameras_wait_for_a_bay_in_the_order_in_which_they_come() -> None:
    async def program(clock: VirtualClock) -> None:
        station = DockingStation(clock, bays=1)
        batteries = [SimulatedBattery(clock, random.Random(1), percent=10) for _ in range(3)]
        first, second, third = docks = [SimulatedDock(one, station) for one in batteries]
        for dock in docks:
            dock.put_in()
            dock.put_in()
        assert [one.is_docked() for one in docks] == [True, False, False]
        assert [one.charge().charging for one in batteries] == [True, False, False]
        assert station.waiting == 2
        second.take_out()  # it does not wait any more
        first.take_out()
        assert [one.is_docked() for one in docks] == [False, False, True]
        third.take_out()
        third.take_out()
        second.put_in()
        assert second.is_docked()

    run_virtual(program)


def test_watchers_hear_of_a_move_before_the_camera_does() -> None:
    async def program(clock: VirtualClock) -> None:
        dock, moves = SimulatedDock(station=DockingStation(clock)), []
        dock.watchers.append(lambda is_docked: moves.append((is_docked, dock.is_docked())))
        dock.put_in()
        dock.take_out()
        assert moves == [(True, False), (False, True)]

    run_virtual(program)


def test_bytes_wait_for_those_before_them_on_the_line() -> None:
    async def program(clock: VirtualClock) -> None:
        station = DockingStation(clock, line_bps=8000)
        await station.take(1000)
        await station.take(500)
        assert clock.mono_s() == 1.5
        await clock.sleep(10)
        await station.take(1000)
        assert clock.mono_s() == 12.5
        await DockingStation(clock).take(10**12)
        assert clock.mono_s() == 12.5

    run_virtual(program)


def test_a_shard_has_its_share_of_bays_and_line() -> None:
    scenario = Scenario(
        sites={"baltimore": 4, "buffalo": 2}, docks=[DockingStations(sites=["baltimore"], bays=3, line_bps=8000)]
    )

    async def program(clock: VirtualClock) -> None:
        stations = stations_of(scenario, scenario.cameras[::2], clock)
        for station in stations.values():
            for _ in range(3):
                SimulatedDock(station=station).put_in()
        assert {site: one.waiting for site, one in stations.items()} == {"baltimore": 1, "buffalo": 0}
        await stations["baltimore"].take(500)
        assert clock.mono_s() == 1

    run_virtual(program)
