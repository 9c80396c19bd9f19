"""Who is there: a line that went dead without a word, and a process that froze and was replaced."""

import asyncio
import signal
from pathlib import Path

from lapel.clock import SystemClock
from lapel_fleet.broker.embedded import embedded_broker
from system.brokers import real
from system.process import SMALL_SCENE, camera, fleet
from system.proxy import proxy

KEEPALIVE_S = 5
NOTICED_S = 2 * KEEPALIVE_S + 5


async def test_a_half_open_line_is_noticed_on_both_sides_and_mended(tmp_path: Path) -> None:
    real("mosquitto")
    clock = SystemClock()
    async with embedded_broker() as broker, proxy(broker.port) as cable:
        link = ("--broker", f"mqtt://127.0.0.1:{cable.port}", "--keepalive", str(KEEPALIVE_S))
        with fleet(tmp_path, broker.port) as operator, camera(tmp_path, *SMALL_SCENE, *link) as cam:
            await cam.says("link up")
            birth = await operator.hears("state", state="buffering")
            cable.forwards, cut_s = False, clock.mono_s()
            will = await operator.hears("state", state="offline")
            fleet_noticed_s = clock.mono_s() - cut_s
            await cam.says("link down")
            camera_noticed_s = clock.mono_s() - cut_s
            assert "time" not in will
            assert max(fleet_noticed_s, camera_noticed_s) <= NOTICED_S
            cable.forwards = True
            await cam.says("link up(.|\n)*link up")
            latest = operator.received("state")[-1]
            assert (latest["state"], latest["session"]) == ("buffering", birth["session"])


async def test_a_frozen_camera_that_was_replaced_never_hides_the_live_one(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        link = (*SMALL_SCENE, "--broker", broker.url, "--keepalive", "2")
        with fleet(tmp_path, broker.port) as operator, camera(tmp_path, *link, name="frozen") as frozen:
            await operator.hears("state", state="buffering")
            frozen.tell(signal.SIGSTOP)
            elsewhere = ("--evidence", tmp_path / "elsewhere")
            with camera(tmp_path, *link, *elsewhere, name="live") as live:
                await live.says("link up")
                await asyncio.sleep(4)  # the frozen one's will falls due after 1.5 keepalives
                with fleet(tmp_path, broker.port) as newcomer:
                    shown = await newcomer.hears("state", retained=True)
                frozen.tell(signal.SIGCONT)
                await frozen.says("another live camera is called cam-0001")
                await asyncio.sleep(2)
                with fleet(tmp_path, broker.port) as newcomer:
                    still = await newcomer.hears("state", retained=True)
                assert shown["state"] == still["state"] == "buffering"
                assert shown["session"] == still["session"]
                live.tell(signal.SIGTERM)
                assert await live.ends() == 0
