"""gpsd itself, fed with a receiver's sentences by gpsfake."""

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapel.clock import SystemClock
from lapel.hardware.pi.gpsd import GpsdPositioning
from lapel.hardware.trace.format import GpsdReport, read_trace
from lapel.hardware.trace.writer import TraceWriter
from system.process import until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sentence(body: str) -> str:
    checksum = 0
    for char in body:
        checksum ^= ord(char)
    return f"${body}*{checksum:02X}\r\n"


def nmea(seconds: int) -> str:
    """A receiver that stands in Baltimore, with seven satellites."""
    parts = []
    for second in range(seconds):
        time = f"1212{second:02d}.00"
        parts += [
            sentence(f"GPRMC,{time},A,3917.4231,N,07636.7323,W,0.1,0.0,271126,,,A"),
            sentence(f"GPGGA,{time},3917.4231,N,07636.7323,W,1,07,1.1,12.0,M,-33.0,M,,"),
            sentence("GPGSA,A,3,01,03,06,09,14,17,22,,,,,,1.9,1.1,1.5"),
            sentence("GPGSV,2,1,07,01,40,083,46,03,17,308,41,06,07,344,39,09,22,228,45"),
            sentence("GPGSV,2,2,07,14,40,083,46,17,17,308,41,22,07,344,39"),
        ]
    return "".join(parts)


@pytest.fixture
def gpsd(tmp_path: Path) -> Iterator[int]:
    if shutil.which("gpsfake") is None:
        pytest.skip("gpsfake is not installed (Debian package gpsd-clients)")
    log, port = tmp_path / "baltimore.nmea", free_port()
    log.write_text(nmea(50))
    command = ["gpsfake", "-1", "-q", "-c", "0.1", "-P", str(port), str(log)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait(30)


async def test_the_position_comes_from_gpsd(gpsd: int) -> None:
    positioning = GpsdPositioning(SystemClock(), port=gpsd)
    try:
        await until(positioning.last_fix, lambda: "there was never a fix")
        fix = positioning.last_fix()
        assert fix is not None
        assert [fix.latitude, fix.longitude] == pytest.approx([39.290385, -76.612205], abs=1e-5)
        assert 0 < fix.accuracy_m < 200
        assert 0 <= fix.age_s < 60
        await until(positioning.satellites, lambda: "no satellite was reported")
        assert positioning.satellites() == 7
    finally:
        await asyncio.to_thread(positioning.close)


async def test_without_gpsd_there_is_no_fix_and_it_is_tried_again() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        positioning = GpsdPositioning(SystemClock(), port=closed.getsockname()[1])
        assert (positioning.last_fix(), positioning.satellites()) == (None, 0)
        await asyncio.to_thread(positioning.close)


async def test_reports_that_make_no_sense_are_no_fix() -> None:
    reports = [
        b"{",
        b"[]\n",
        b'{"class":"TPV","mode":3,"lat":"x","lon":1.0}\n',
        b'{"class":"TPV","mode":1,"lat":1.5,"lon":1.5}\n',
        b'{"class":"SKY","satellites":[{"used":true},{}]}\n',
    ]
    served = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\n".join(reports))
        await writer.drain()
        await served.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    positioning = GpsdPositioning(SystemClock(), port=server.sockets[0].getsockname()[1])
    await until(lambda: positioning.satellites() == 1, lambda: "the good report was not understood")
    assert positioning.last_fix() is None
    served.set()
    await asyncio.to_thread(positioning.close)
    server.close()


async def test_the_reports_of_a_trace_come_through_gpsd_s_protocol_into_the_next_trace(tmp_path: Path) -> None:
    position = {"class": "TPV", "mode": 3, "lat": 39.29, "lon": -76.61, "eph": 4.5}
    sky = {"class": "SKY", "satellites": [{"used": True}, {"used": True}]}
    first = TraceWriter(tmp_path / "first.jsonl", SystemClock(), {})
    for report in (sky, position):
        first.gpsd(json.dumps(report).encode())
    first.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"WATCH" in await reader.readline()
        for one in read_trace(tmp_path / "first.jsonl").happenings:
            assert isinstance(one, GpsdReport)
            writer.write(json.dumps(one.report).encode() + b"\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    second = TraceWriter(tmp_path / "second.jsonl", SystemClock(), {})
    positioning = GpsdPositioning(SystemClock(), port=server.sockets[0].getsockname()[1], trace=second)
    await until(positioning.last_fix, lambda: "there was never a fix")
    fix = positioning.last_fix()
    assert fix is not None
    assert (fix.latitude, fix.longitude, fix.accuracy_m, positioning.satellites()) == (39.29, -76.61, 4.5, 2)
    await asyncio.to_thread(positioning.close)
    second.close()
    server.close()
    happenings = read_trace(tmp_path / "second.jsonl").happenings
    assert [one.report for one in happenings if isinstance(one, GpsdReport)] == [sky, position]
