"""A network link in memory: the results of connecting and probing."""

import random
import ssl

import pytest

from lapel.config import LinkSection
from lapel.errors import LinkError
from lapel.link.broker_address import Broker
from lapel.link.transport import Hello
from lapel_fleet.hardware.relayed_network import RelayedNetwork
from lapel_fleet.hardware.tcp_relay import TcpRelay
from lapel_fleet.hardware.virtual_broker import VirtualBroker
from lapel_fleet.hardware.virtual_network import VirtualNetwork
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from lapel_fleet.training.bench import FleetBroker

TLS = ssl.create_default_context()
LINK = LinkSection(broker="mqtts://broker.example")


async def refusal(network: VirtualNetwork) -> str:
    with pytest.raises(LinkError) as caught:
        async with network.connect(Hello("cam-0001")):
            pass
    return str(caught.value)


def test_any_configured_address_leads_to_the_broker_of_the_run() -> None:
    async def program(clock: VirtualClock) -> None:
        network = VirtualNetwork(VirtualBroker())
        network.configure(LinkSection(broker="mqtt://nowhere"))
        async with network.connect(Hello("cam-0001")):
            pass
        assert [step.ok for step in await network.probe("cam-0001-probe")] == [True]

    run_virtual(program)


@pytest.mark.parametrize(
    ("broker", "step", "finding"),
    [
        ("mqtts://broker.exmaple", "name", "Name or service not known"),
        ("mqtts://broker.example:1883", "tcp", "Connection refused"),
        ("mqtts://[broken", "name", "Name or service not known"),
        (" ", "name", "Name or service not known"),
    ],
)
def test_a_wrong_address_fails_at_the_step_where_it_is_wrong(broker: str, step: str, finding: str) -> None:
    async def program(clock: VirtualClock) -> None:
        network = VirtualNetwork(FleetBroker(clock))
        network.configure(LINK)
        assert (await network.probe("probe"))[-1].ok
        network.configure(LinkSection(broker=broker))
        assert (await refusal(network)).endswith(finding)
        last = (await network.probe("probe"))[-1]
        assert (last.name, last.ok, last.finding) == (step, False, finding)

    run_virtual(program)


@pytest.mark.parametrize(
    "broker", [Broker("127.0.0.1", 1884, websocket_path="/mqtt"), Broker("127.0.0.1", 1884, tls=TLS)]
)
async def test_messages_that_cannot_be_told_apart_cannot_be_disturbed(broker: Broker) -> None:
    async def admitted() -> None:
        pass

    network = RelayedNetwork([broker], 30, admitted, TcpRelay(random.Random(1)))
    with pytest.raises(LinkError, match=r"delivery\.burst: messages cannot be distinguished through TLS or WebSocket"):
        network.disturb_delivery("delivery.burst", lambda _: "", 0.0)


def test_a_probe_over_a_link_that_is_down_fails_at_its_first_step() -> None:
    async def program(clock: VirtualClock) -> None:
        network = VirtualNetwork(FleetBroker(clock))
        network.configure(LINK)
        network.unplug()
        assert "network is unreachable" in await refusal(network)
        assert [step.name for step in await network.probe("probe")] == ["route"]
        network.plug_in()
        network.make_half_open()
        assert [step.finding for step in await network.probe("probe")] == ["no answer within 10 s"]

    run_virtual(program)


def test_a_relayed_link_shows_the_address_of_the_run_without_its_password() -> None:
    async def admitted() -> None:
        pass

    network = RelayedNetwork([Broker("127.0.0.1", 1884, "fleet", "hush")], 30, admitted, None)
    network.configure(LINK)
    assert network.address == "mqtt://127.0.0.1:1884"
