"""A broker that is reached over WebSocket and requires a password. amqtt: Mosquitto 2.0.11 opened no such listener."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from amqtt.broker import Broker
from pwdlib import PasswordHash

from lapel_fleet.broker.embedded import free_port
from system.process import SMALL_SCENE, camera

PASSWORD = "correct horse: @battery/staple"


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """Of a broker that knows one user, `camera`."""
    users, port = tmp_path / "users", free_port()
    users.write_text(f"camera:{PasswordHash.recommended().hash(PASSWORD)}\n")
    broker = Broker(
        {
            "listeners": {"default": {"type": "ws", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(users)}},
        }
    )
    await broker.start()
    yield port
    await broker.shutdown()


async def test_a_camera_connects_with_the_password_in_its_file(tmp_path: Path, port: int) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    settings = tmp_path / "camera.toml"
    settings.write_text(f'[link]\nbroker = "ws://camera@127.0.0.1:{port}"\npassword_file = "{tmp_path}/password"\n')
    with camera(tmp_path, *SMALL_SCENE, "--config", settings) as cam:
        await cam.prints("link up")


async def test_a_wrong_password_is_reported_and_not_shown(tmp_path: Path, port: int) -> None:
    with camera(tmp_path, *SMALL_SCENE, "--broker", f"ws://camera:secr%40t@127.0.0.1:{port}/mqtt") as cam:
        await cam.prints("link down: 127.0.0.1:.*Not authorized")
    assert "secr" not in cam.out + cam.err
