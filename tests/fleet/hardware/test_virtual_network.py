"""A network link in memory that delays and loses: how long a message travels, and what DISCONNECT cannot overtake."""

import asyncio
import random

import pytest

from lapel.errors import LinkError
from lapel.link.transport import Connection, Envelope, Hello
from lapel_fleet.hardware.virtual_broker import VirtualBroker
from lapel_fleet.hardware.virtual_network import ACK_TIMEOUT_S, VirtualNetwork
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

STATE = Envelope("lapel/v1/demo/home/cam-0001/state", b"recording", 1, retain=True)
WILL = Envelope(STATE.topic, b"offline", 1, retain=True)
HELLO = Hello("cam-0001", WILL)
KEEPALIVE_S = 30.0


class Ends:
    """A camera's network link and its broker; what the broker received, and when."""

    def __init__(self, clock: VirtualClock) -> None:
        self.broker = VirtualBroker()
        self.network = VirtualNetwork(self.broker, KEEPALIVE_S, random.Random(1))
        self.received: list[tuple[float, bytes]] = []
        self.broker.observers.append(lambda _, payload: self.received.append((clock.mono_s(), payload)))


async def fails_to_publish(connection: Connection) -> None:
    with pytest.raises(LinkError, match="no acknowledgement came"):
        await connection.publish(STATE)


def test_a_message_does_not_arrive_after_its_acknowledgement_timed_out() -> None:
    """Seed 115: a message that travelled for 25 s reported a state that had long ended."""

    async def program(clock: VirtualClock) -> None:
        ends = Ends(clock)
        async with ends.network.connect(HELLO) as connection:
            ends.network.degrade(latency_s=ACK_TIMEOUT_S + 5)
            await fails_to_publish(connection)
            assert clock.mono_s() == ACK_TIMEOUT_S
            await clock.sleep(60)
        assert ends.received == []

    run_virtual(program)


def test_a_message_whose_acknowledgement_is_late_has_arrived_and_is_sent_again() -> None:
    async def program(clock: VirtualClock) -> None:
        ends = Ends(clock)
        async with ends.network.connect(HELLO) as connection:
            ends.network.degrade(latency_s=6)
            await fails_to_publish(connection)
            assert (clock.mono_s(), ends.received) == (ACK_TIMEOUT_S, [(6.0, b"recording")])
            ends.network.degrade()
            await connection.publish(STATE)
        assert ends.received == [(6.0, b"recording"), (ACK_TIMEOUT_S, b"recording")]

    run_virtual(program)


def test_a_new_connection_does_not_queue_behind_messages_of_the_one_before() -> None:
    async def program(clock: VirtualClock) -> None:
        ends = Ends(clock)
        async with ends.network.connect(HELLO) as connection:
            ends.network.degrade(latency_s=40)
            await fails_to_publish(connection)
        ends.network.degrade()
        async with ends.network.connect(HELLO) as connection:
            await connection.publish(STATE)
        assert ends.received == [(ACK_TIMEOUT_S, b"offline"), (ACK_TIMEOUT_S, b"recording")]

    run_virtual(program)


@pytest.mark.parametrize("latency_s", [0.0, 3.0])
def test_a_disconnect_does_not_overtake_what_was_sent_before_it(latency_s: float) -> None:
    """Seed 198: a camera that went off while its last state was on its way seemed to have disconnected cleanly. Then
    the broker publishes no last will, and the camera is shown in its previous state for ever.
    """

    async def program(clock: VirtualClock) -> None:
        ends = Ends(clock)
        async with ends.network.connect(HELLO) as connection:
            ends.network.degrade(latency_s=latency_s)
            sending = asyncio.create_task(connection.publish(STATE))
            await clock.sleep(1)
            sending.cancel()
        await clock.sleep(2 * KEEPALIVE_S)
        arrived, given_up = [(0.0, b"recording")], [(1 + 1.5 * KEEPALIVE_S, b"offline")]
        assert ends.received == (given_up if latency_s else arrived)

    run_virtual(program)
