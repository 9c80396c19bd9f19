"""Hardware traces: written and read back, and what is said of damaged ones."""

import contextlib
import errno
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lapel.config import load
from lapel.errors import TraceError
from lapel.hardware.trace.format import FramesCaptured, GpsdReport, PinChanged, RegisterRead, read_trace
from lapel.hardware.trace.writer import TraceWriter, devices_of
from waited_clock import WaitedClock


def written(path: Path) -> Path:
    clock = WaitedClock()
    trace = TraceWriter(path, clock, {"event_button": 17})
    trace.pin("event_button", closed=False, mono_s=clock.mono_s())
    clock.wait(2.0)
    trace.register(0x36, 4, 20_480)
    trace.pin("event_button", closed=True, mono_s=clock.mono_s() - 0.5)  # it was reported late
    trace.register(0x36, 4, None, "Remote I/O error")
    trace.gpsd(b'{"class":"TPV","mode":3,"lat":39.29,"lon":-76.61}\n')
    trace.gpsd(b"no report\n")
    trace.gpsd(b"[]\n")
    trace.add(FramesCaptured(at_s=2.0, times_s=[1.9, 2.0], dropped=1))
    trace.close()
    trace.pin("event_button", closed=False, mono_s=clock.mono_s())  # too late
    return path


def test_a_trace_is_read_back_in_the_order_of_its_times(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path / "visit.jsonl"))
    assert (trace.header.version, trace.header.devices) == (1, {"event_button": 17})
    assert trace.happenings == [
        PinChanged(at_s=0.0, name="event_button", closed=False),
        PinChanged(at_s=1.5, name="event_button", closed=True),
        RegisterRead(at_s=2.0, address=0x36, register=4, value=20_480),
        RegisterRead(at_s=2.0, address=0x36, register=4, value=None, error="Remote I/O error"),
        GpsdReport(at_s=2.0, report={"class": "TPV", "mode": 3, "lat": 39.29, "lon": -76.61}),
        FramesCaptured(at_s=2.0, times_s=[1.9, 2.0], dropped=1),
    ]


def test_fields_of_later_versions_are_ignored(tmp_path: Path) -> None:
    path = written(tmp_path / "visit.jsonl")
    path.write_text(path.read_text().replace('"kind":"pin",', '"kind":"pin","voltage":3.3,'))
    assert len(read_trace(path).happenings) == 6


def test_the_header_names_devices_without_passwords() -> None:
    flags = {("video", "source"): "rtsp://me:secret@cam/live", ("pi", "event_button"): 17, ("pi", "battery"): "ina219"}
    devices = devices_of(load(flags=flags))
    assert (devices["event_button"], devices["battery"]) == (17, "ina219")
    assert "secret" not in str(devices)


HEADER = '{"trace":"lapel-hardware-trace","version":1,"firmware":"0","utc":"2026-01-01T00:00:00Z"}\n'
PIN = '{"kind":"pin","at_s":1.0,"name":"dock","closed":true}\n'


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "line 1 is no header of a hardware trace"),
        ("\n", "line 1 is no header of a hardware trace"),
        (PIN, "line 1 is no header of a hardware trace"),
        ("{\n" + PIN, "record one with `lapel-camera run --trace-hardware FILE`"),
        (HEADER.replace('"version":1', '"version":2') + PIN, "is a trace of version 2, this Lapel reads 1"),
        (HEADER + PIN + PIN[:20], "line 3 is cut off, as where the power failed; delete that line to use the rest"),
        (HEADER + PIN + "{}\n", "line 3: Object missing required field `kind`; correct or delete it"),
        (HEADER + PIN.replace("pin", "pine"), "line 2: Invalid value 'pine'"),
        (HEADER + PIN.replace("1.0", "-1.0"), r"line 2: Expected `float` >= 0.0 - at `\$.at_s`"),
        (HEADER + PIN.replace("true", '"yes"'), r"line 2: Expected `bool`, got `str` - at `\$.closed`"),
        (HEADER + '{"kind":"file","at_s":1.0,"name":"../x","text":""}\n', "line 2: Expected `str` matching regex"),
        (HEADER + "\n" + PIN, "line 2: Input data was truncated"),
        (HEADER + "[" * 100_000 + "\n", "line 2: "),
    ],
)
def test_damage_is_named_with_its_line(tmp_path: Path, content: str, error: str) -> None:
    path = tmp_path / "visit.jsonl"
    path.write_text(content)
    with pytest.raises(TraceError, match=error) as raised:
        read_trace(path)
    assert str(path) in str(raised.value)


def test_a_file_that_is_missing_or_exists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"none\.jsonl: cannot be read: No such file"):
        read_trace(tmp_path / "none.jsonl")
    with pytest.raises(TraceError, match="cannot be read: Is a directory"):
        read_trace(tmp_path)
    path = written(tmp_path / "visit.jsonl")
    with pytest.raises(TraceError, match="exists already; name a new file"):
        TraceWriter(path, WaitedClock(), {})
    with pytest.raises(TraceError, match="cannot be made: No such file or directory"):
        TraceWriter(tmp_path / "none" / "visit.jsonl", WaitedClock(), {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_bytes_are_changed_a_trace_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "visit.jsonl"
    content = bytearray(written(path).read_bytes())
    path.unlink()
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(TraceError):
        read_trace(path)
    path.unlink()


def test_a_disk_that_fails_ends_the_trace_and_nothing_else(tmp_path: Path) -> None:
    class FullDisk:
        closed = False

        def write(self, line: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            self.closed = True

    trace = TraceWriter(tmp_path / "visit.jsonl", WaitedClock(), {})
    trace.close()
    trace._file = FullDisk()  # type: ignore[assignment]
    trace.pin("dock", closed=True, mono_s=100.0)
    trace.pin("dock", closed=False, mono_s=100.0)
    assert trace.failure == "the hardware trace is incomplete: No space left on device"
