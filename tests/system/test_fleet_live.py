"""`lapel-fleet run` in real time, on real brokers, and its exit codes."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from amqtt.broker import Broker as AmqttBroker

from lapel_fleet.broker.delivery import delivery_loss
from lapel_fleet.broker.embedded import embedded_broker, free_port
from lapel_fleet.checkers.registry import NEED_EVERY_MESSAGE
from system.brokers import real
from system.process import Program, program

FLEET = Path(sys.executable).with_name("lapel-fleet")
WITHOUT_MOSQUITTO = (
    "import sys; from lapel_fleet.broker import embedded; embedded.mosquitto_path = lambda: None; "
    "from lapel_fleet.cli import main; sys.exit(main(sys.argv[1:]))"
)
AMQTT_LOSSES = delivery_loss("amqtt")
SHORT_DAY = """
duration_s = 4
telemetry_s = 2
prebuffer_s = 2
keepalive_s = 4
spread_s = 0.2
[sites]
buffalo = 4
[wearer]
activations_per_hour = 1800
length_s = [1, 2]
"""
QUIET_DAY = SHORT_DAY.replace("telemetry_s = 2", "telemetry_s = 10").replace("1800", "60")
FAULTS = """
[[faults]]
kind = "broker.outage"
at_s = 1
for_s = 1
[[faults]]
kind = "video.unplugged"
at_s = 2
for_s = 1
cameras = ["buffalo/cam-0003"]
"""


@pytest.fixture
def short_day(tmp_path: Path) -> Path:
    (tmp_path / "short-day.toml").write_text(SHORT_DAY)
    return tmp_path / "short-day.toml"


def run(folder: Path, *arguments: str | Path, name: str = "run") -> AbstractContextManager[Program]:
    return program(folder, name, FLEET, "run", *arguments)


def seconds_of(line: str) -> float:
    return float(line.partition(" ")[0])


async def test_smoke_on_a_real_mosquitto_passes_and_leaves_its_results(tmp_path: Path) -> None:
    real("mosquitto")
    outputs = ("--junit", tmp_path / "junit.xml", "--report", tmp_path / "report", "--json")
    with run(tmp_path, "smoke", "--duration", "5s", *outputs) as fleet:
        assert await fleet.ends() == 0, fleet.out + fleet.err
    summary = json.loads(fleet.out)
    assert (summary["verdict"], summary["cameras"], summary["time"]) == ("passed", 10, "live")
    assert summary["broker"].startswith("mosquitto ")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert "<html" in (tmp_path / "report" / "index.html").read_text()
    assert json.loads((tmp_path / "report" / "report.json").read_text())["summary"]["seed"] == summary["seed"]


@pytest.mark.parametrize("workers", ["0", "2"])
async def test_the_trace_has_each_fault_with_its_time(tmp_path: Path, short_day: Path, workers: str) -> None:
    """In this process or in workers; also at a user's broker, which a run cannot stop."""
    real("mosquitto")
    short_day.write_text(SHORT_DAY + FAULTS)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    async with embedded_broker() as broker:
        with (
            run(tmp_path, short_day, "--trace", ours, "--workers", workers, name="ours") as first,
            run(tmp_path, short_day, "--trace", theirs, "--broker", broker.url, name="theirs") as second,
        ):
            assert (await first.ends(), await second.ends()) == (0, 0), first.out + second.out
    for trace, outage in (
        (ours, ["broker broker.outage for 1 s"]),
        (theirs, [f"buffalo/cam-000{number} network.down for 1 s" for number in range(1, 5)]),
    ):
        lines = trace.read_text().splitlines()
        wrong = [line for line in lines if "lapel/v1" not in line]
        assert [line.partition(" ")[2] for line in wrong] == [*outage, "buffalo/cam-0003 video.unplugged for 1 s"]
        assert 0.9 < seconds_of(wrong[-1]) - seconds_of(wrong[0]) < 3
        assert [seconds_of(line) for line in lines] == sorted(seconds_of(line) for line in lines)


async def test_each_exit_code(tmp_path: Path, short_day: Path) -> None:
    real("mosquitto")
    (tmp_path / "strict.toml").write_text(SHORT_DAY + '[[expect]]\nwhat = "recordings"\nat_least = 1000\n')
    async with embedded_broker() as broker:
        with (
            run(tmp_path, short_day, "--broker", broker.url, name="0") as passed,
            run(tmp_path, tmp_path / "strict.toml", "--broker", broker.url, name="1") as failed,
            run(tmp_path, short_day, "--speed", "fast", name="2a") as not_a_number,
            run(tmp_path, "--broker", broker.url, "smoke", "--identities", tmp_path, name="2b") as unknown,
            run(tmp_path, short_day, "--broker", "mqtt://127.0.0.1:1", name="4") as unreachable,
        ):
            for expected, one in ((0, passed), (1, failed), (2, not_a_number), (2, unknown), (4, unreachable)):
                assert await one.ends() == expected, one.out + one.err
                assert "Traceback" not in one.err
    assert "at least 1000 was expected" in failed.out
    assert "there is no identity of operator fleet" in unknown.err
    assert unreachable.err == "lapel-fleet: no connection to the broker: 127.0.0.1:1: [Errno 111] Connection refused\n"


async def test_a_broker_that_dies_in_mid_run_proves_nothing(tmp_path: Path, short_day: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        with run(tmp_path, short_day, "--broker", broker.url, "--trace", tmp_path / "trace") as fleet:
            await fleet.prints("seed")
            while "recording-started" not in (tmp_path / "trace").read_text():
                await asyncio.sleep(0.1)
            await broker.stop()
            assert await fleet.ends() == 3, fleet.out + fleet.err
    assert "inconclusive: the broker is gone" in fleet.out
    assert "INCONCLUSIVE" in fleet.out
    assert "Traceback" not in fleet.err


async def test_without_mosquitto_a_large_fleet_is_refused_and_a_small_one_inconclusive(tmp_path: Path) -> None:
    """Except that an expectation of recordings, which no lost message can excuse, fails the run."""
    (tmp_path / "large.toml").write_text(QUIET_DAY.replace("buffalo = 4", "buffalo = 51"))
    (tmp_path / "small.toml").write_text(QUIET_DAY.replace("buffalo = 4", "buffalo = 10"))
    (tmp_path / "strict.toml").write_text(f'{QUIET_DAY}[[expect]]\nwhat = "recordings"\nat_least = 1000\n')
    command = (sys.executable, "-c", WITHOUT_MOSQUITTO, "run")
    with (
        program(tmp_path, "large", *command, tmp_path / "large.toml") as large,
        program(tmp_path, "small", *command, tmp_path / "small.toml", "--json") as small,
        program(tmp_path, "strict", *command, tmp_path / "strict.toml", "--json") as strict,
    ):
        assert await large.ends() == 2
        assert await small.ends() == 3, small.out + small.err
        assert await strict.ends() == 1, strict.out + strict.err
    assert "51 cameras need a Mosquitto, and there is none: install it" in large.err
    assert "Traceback" not in small.err + strict.err
    summary = json.loads(small.out)
    assert summary["broker"].startswith("amqtt ")
    assert (summary["verdict"], summary["inconclusive"]) == ("inconclusive", [AMQTT_LOSSES])
    verdicts = {one["name"]: one["verdict"] for one in summary["checkers"]}
    assert {name for name, verdict in verdicts.items() if verdict == "inconclusive"} <= NEED_EVERY_MESSAGE
    assert verdicts["events-are-complete-and-in-order"] == "inconclusive"
    assert verdicts["retained-state-is-true"] == "passed"
    assert "failed" not in verdicts.values()
    summary = json.loads(strict.out)
    assert (summary["verdict"], summary["inconclusive"]) == ("failed", [])
    verdicts = {one["name"]: one["verdict"] for one in summary["checkers"]}
    assert verdicts["expect recordings at_least 1000"] == "failed"
    assert verdicts["events-are-complete-and-in-order"] == "inconclusive"


async def test_an_amqtt_of_the_user_s_is_recognised_by_the_version_that_it_publishes(tmp_path: Path) -> None:
    (tmp_path / "quiet.toml").write_text(QUIET_DAY)
    async with users_amqtt() as url:
        with run(tmp_path, tmp_path / "quiet.toml", "--broker", url, "--json") as fleet:
            assert await fleet.ends() == 3, fleet.out + fleet.err
    summary = json.loads(fleet.out)
    assert summary["broker"].startswith("aMQTT ")
    assert summary["inconclusive"] == [AMQTT_LOSSES]


@asynccontextmanager
async def users_amqtt() -> AsyncIterator[str]:
    """The URL of an amqtt with the plugin that publishes its version, as in its default configuration."""
    port = free_port()
    broker = AmqttBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
                "amqtt.plugins.sys.broker.BrokerSysPlugin": {"sys_interval": 60},
            },
        }
    )
    await broker.start()
    try:
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        await broker.shutdown()


async def test_ctrl_c_ends_a_live_run_in_order(tmp_path: Path, short_day: Path) -> None:
    real("mosquitto")
    with run(tmp_path, short_day, "--duration", "1h") as fleet:
        await fleet.prints("seed")
        await asyncio.sleep(2)
        fleet.send_signal(signal.SIGINT)
        assert await fleet.ends() == 130
    assert fleet.err.splitlines()[-1] == "lapel-fleet: interrupted; the recordings so far are finished and kept"
    assert "Traceback" not in fleet.err
