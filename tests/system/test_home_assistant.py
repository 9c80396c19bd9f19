"""A camera announces itself to Home Assistant on a real broker, only where that was configured."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from lapel_fleet.broker.embedded import embedded_broker
from system.brokers import real
from system.process import SMALL_SCENE, camera


@pytest.mark.parametrize("prefix", ["homeassistant", ""])
async def test_the_announcement_is_retained_on_a_real_broker(tmp_path: Path, prefix: str) -> None:
    config = tmp_path / "camera.toml"
    config.write_text(f'[link]\nhome_assistant = "{prefix}"\n')
    real("mosquitto")
    async with embedded_broker() as broker:
        address = f"mqtt://127.0.0.1:{broker.port}"
        with camera(tmp_path, *SMALL_SCENE, "--config", config, "--broker", address) as cam:
            await cam.prints("link up")
            await asyncio.sleep(0.5)
        command = [real("mosquitto_sub"), "-p", str(broker.port), "-t", "homeassistant/#", "-W", "2", "-F", "%r %t %p"]
        listening = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    lines = listening.stdout.splitlines()
    assert len(lines) == (1 if prefix else 0)
    for line in lines:
        retained, topic, payload = line.split(" ", 2)
        assert (retained, topic) == ("1", "homeassistant/device/lapel_demo_home_cam_0001/config")
        assert json.loads(payload)["availability_topic"] == "lapel/v1/demo/home/cam-0001/state"
