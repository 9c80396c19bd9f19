"""Presence on the broker: a half-open connection, and a frozen process that was replaced by another one."""

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


async def test_a_half_open_connection_is_detected_on_both_sides_and_restored(tmp_path: Path) -> None:
    real("mosquitto")
    clock = SystemClock()
    async with embedded_broker() as broker, proxy(broker.port) as network:
        link = ("--broker", f"mqtt://127.0.0.1:{network.port}", "--keepalive", str(KEEPALIVE_S))
        with fleet(tmp_path, broker.port) as operator, camera(tmp_path, *SMALL_SCENE, *link) as cam:
            await cam.prints("link up")
            birth = await operator.receives("state", state="buffering")
            network.forwards, half_open_s = False, clock.mono_s()
            will = await operator.receives("state", state="offline")
            operator_noticed_s = clock.mono_s() - half_open_s
            await cam.prints("link down")
            camera_noticed_s = clock.mono_s() - half_open_s
            assert "time" not in will
            assert max(operator_noticed_s, camera_noticed_s) <= NOTICED_S
            network.forwards = True
            await cam.prints("link up(.|\n)*link up")
            latest = operator.received("state")[-1]
            assert (latest["state"], latest["session"]) == ("buffering", birth["session"])


async def test_the_last_will_of_a_frozen_camera_does_not_hide_its_replacement(tmp_path: Path) -> None:
    real("mosquitto")
    async with embedded_broker() as broker:
        link = (*SMALL_SCENE, "--broker", broker.url, "--keepalive", "2")
        with fleet(tmp_path, broker.port) as operator, camera(tmp_path, *link, name="frozen") as frozen:
            await operator.receives("state", state="buffering")
            frozen.send_signal(signal.SIGSTOP)
            other_evidence = ("--evidence", tmp_path / "other-evidence")
            with camera(tmp_path, *link, *other_evidence, name="live") as live:
                await live.prints("link up")
                await asyncio.sleep(4)  # the frozen camera's last will is published after 1.5 keepalives
                with fleet(tmp_path, broker.port) as new_operator:
                    before = await new_operator.receives("state", retained=True)
                frozen.send_signal(signal.SIGCONT)
                await frozen.prints("another live camera uses this camera.s address")
                await asyncio.sleep(2)
                with fleet(tmp_path, broker.port) as new_operator:
                    after = await new_operator.receives("state", retained=True)
                assert before["state"] == after["state"] == "buffering"
                assert before["session"] == after["session"]
                live.send_signal(signal.SIGTERM)
                assert await live.ends() == 0
