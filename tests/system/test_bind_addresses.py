"""Connections from several addresses of one machine."""

import asyncio
from pathlib import Path

import pytest

from lapel.errors import LinkError
from lapel.link.broker_address import Broker
from lapel.link.mqtt import MqttTransport
from lapel.link.transport import Hello
from system.test_fleet_run import lapel_fleet


async def test_a_connection_comes_from_the_address_that_it_is_bound_to() -> None:
    peers: list[str] = []

    async def note_peer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        writer.close()

    server = await asyncio.start_server(note_peer, "127.0.0.1", 0)
    async with server:
        broker = Broker("127.0.0.1", server.sockets[0].getsockname()[1])
        for address in ("127.0.0.2", "127.0.0.3"):
            with pytest.raises(LinkError):
                async with MqttTransport([broker], keepalive_s=30, bind_address=address).connect(Hello("one")):
                    pass
    assert peers == ["127.0.0.2", "127.0.0.3"]


def test_a_fleet_runs_on_several_addresses(tmp_path: Path) -> None:
    (tmp_path / "day.toml").write_text("duration_s = 3\ntelemetry_s = 1\n[sites]\nbaltimore = 4\n")
    done = lapel_fleet("run", tmp_path / "day.toml", "--bind-addresses", "127.0.0.2,127.0.0.3")
    assert "4 cameras" in done.stdout, done.stderr
    assert "inconclusive: only" not in done.stdout


def test_an_address_of_another_machine_is_an_error() -> None:
    for addresses in ("192.0.2.1", "127.0.0.1,nowhere"):
        done = lapel_fleet("run", "smoke", "--bind-addresses", addresses)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "is not an address of this machine" in done.stderr
    done = lapel_fleet("run", "smoke", "--virtual", "--bind-addresses", "127.0.0.1")
    assert "--bind-addresses with --virtual" in done.stderr
