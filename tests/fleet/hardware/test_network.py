"""A line in memory, as its camera finds out about it: what connecting and probing say."""

import pytest

from lapel.config import LinkSection
from lapel.errors import LinkError
from lapel.link.mqtt import Broker
from lapel.link.transport import Hello
from lapel_fleet.hardware.relayed_network import RelayedNetwork
from lapel_fleet.hardware.virtual_broker import VirtualBroker
from lapel_fleet.hardware.virtual_network import VirtualNetwork
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from lapel_fleet.training.bench import FleetBroker

DIALLED = LinkSection(broker="mqtts://broker.example")


async def _refused(network: VirtualNetwork) -> str:
    with pytest.raises(LinkError) as refusal:
        async with network.connect(Hello("cam-0001")):
            pass
    return str(refusal.value)


def test_whatever_is_dialled_reaches_the_one_broker_of_a_run() -> None:
    async def program(clock: VirtualClock) -> None:
        network = VirtualNetwork(VirtualBroker())
        network.configure(LinkSection(broker="mqtt://nowhere"))
        async with network.connect(Hello("cam-0001")):
            pass
        assert [step.ok for step in await network.probe("cam-0001-probe")] == [True]

    run_virtual(program)


@pytest.mark.parametrize(
    ("broker", "step", "said"),
    [
        ("mqtts://broker.exmaple", "name", "Name or service not known"),
        ("mqtts://broker.example:1883", "tcp", "Connection refused"),
        ("mqtts://[broken", "name", "Name or service not known"),
        (" ", "name", "Name or service not known"),
    ],
)
def test_a_fleets_broker_can_be_dialled_wrong(broker: str, step: str, said: str) -> None:
    async def program(clock: VirtualClock) -> None:
        network = VirtualNetwork(FleetBroker(clock))
        network.configure(DIALLED)
        assert (await network.probe("probe"))[-1].ok
        network.configure(LinkSection(broker=broker))
        assert (await _refused(network)).endswith(said)
        last = (await network.probe("probe"))[-1]
        assert (last.name, last.ok, last.finding) == (step, False, said)

    run_virtual(program)


def test_a_line_that_is_down_is_told_by_its_first_step() -> None:
    async def program(clock: VirtualClock) -> None:
        network = VirtualNetwork(FleetBroker(clock))
        network.configure(DIALLED)
        network.unplug()
        assert "network is unreachable" in await _refused(network)
        assert [step.name for step in await network.probe("probe")] == ["route"]
        network.plug_in()
        network.make_half_open()
        assert [step.finding for step in await network.probe("probe")] == ["no answer within 10 s"]

    run_virtual(program)


def test_a_wire_leads_where_the_run_says_and_tells_no_password() -> None:
    async def admitted() -> None:
        pass

    wire = RelayedNetwork([Broker("127.0.0.1", 1884, "fleet", "hush")], 30, admitted, None)
    wire.configure(DIALLED)
    assert wire.address == "mqtt://127.0.0.1:1884"
