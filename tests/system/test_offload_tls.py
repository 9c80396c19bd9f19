"""TLS to a back end: it is verified, and the camera shows its own certificate where it is asked for."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.errors import BlockedError, BusyError
from lapel.offload.axis import AxisDestination
from lapel.offload.axis_session import AxisSettings
from lapel.offload.http import Tls
from lapel.offload.interface import OutgoingRecording
from lapel_fleet.broker.authority import Authority
from lapel_fleet.broker.identity import camera_identities
from offload.back_ends import clip

ANSWER = b"HTTP/1.1 402 Payment Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority")
    Authority(path, SystemClock().now().utc).provision(camera_identities("demo", ["home=1"]), [], [], 30)
    return path


@asynccontextmanager
async def back_end(folder: Path) -> AsyncIterator[str]:
    """A server that wants a certificate of the authority, and has no licence for anyone."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.crt")
    context.load_cert_chain(folder / "broker.crt", folder / "broker.key")
    context.verify_mode = ssl.CERT_REQUIRED

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/auth/v1.0"


async def begin(address: str, tls: Tls) -> None:
    destination = AxisDestination(AxisSettings(addresses=(address,), user="u", secret="s", tls=tls))
    try:
        await destination.begin(OutgoingRecording([clip("a")]))
    finally:
        await destination.close()


async def test_both_sides_are_verified(folder: Path) -> None:
    own = folder / "identities" / "demo" / "home" / "cam-0001"
    async with back_end(folder) as address:
        with pytest.raises(BlockedError, match=r"402 at GET https://127\.0\.0\.1"):
            await begin(address, Tls(str(folder / "ca.crt"), f"{own}.crt", f"{own}.key"))
        with pytest.raises(BlockedError, match=r"its certificate is not trusted .*check \[offload\] ca"):
            await begin(address, Tls())
        with pytest.raises((BlockedError, BusyError), match=r"127\.0\.0\.1"):
            await begin(address, Tls(str(folder / "ca.crt")))
