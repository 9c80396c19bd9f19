"""The embedded Mosquitto ends with the process that started it."""

import socket
import subprocess
import sys

from system.brokers import real
from system.process import until

_STARTS_ONE = """
import asyncio
from lapel_fleet.broker.embedded import embedded_broker
async def main():
    async with embedded_broker() as broker:
        print(broker.port, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_it_ends_with_the_process_that_started_it_even_by_sigkill() -> None:
    real("mosquitto")
    real("setpriv")
    with subprocess.Popen([sys.executable, "-c", _STARTS_ONE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert answers(port)
        process.kill()
    await until(lambda: not answers(port), lambda: "the broker still runs")
