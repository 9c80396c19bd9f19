"""`codec = "copy"`: the source's own H.264 is recorded, bit for bit."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from lapel.evidence.store import EvidenceStore
from lapel.media.h264 import nal_units, unit_type
from lapel.recording import Account
from system import rpicam_vid
from system.process import Terminal, camera_on, lapel_camera, terminal
from system.videos import complaints
from video_files import numbers, write_video

COPY = ("--codec", "copy")


def source_video(path: Path, seconds: int = 6, gop: int = 30) -> Path:
    """Frames numbered from 0 at 30 fps, encoded as cameras do: no B-frames."""
    with av.open(f"file:{path}", "w") as container:
        track = container.add_mux_stream("h264", width=64, height=32)
        track.time_base = Fraction(1, 90_000)
        frames = rpicam_vid.h264_frames(64, 32, gop)
        for number in range(seconds * 30):
            packet = av.Packet(next(frames))
            packet.pts = packet.dts = number * 3000
            packet.duration, packet.time_base, packet.stream = 3000, Fraction(1, 90_000), track
            packet.is_keyframe = number % gop == 0
            container.mux(packet)
    return path


def slices(path: Path) -> list[bytes]:
    """The coded frames of a file, as its packets hold them: without parameter sets and whatever else surrounds them."""
    with av.open(f"file:{path}") as container:
        bitstream = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", container.streams.video[0])
        packets = [whole for packet in container.demux(video=0) for whole in bitstream.filter(packet)]
        return [unit for packet in packets for unit in nal_units(bytes(packet)) if unit_type(unit) in (1, 5)]


async def record(keys: Terminal) -> None:
    await keys.shows(r"BUFFERING.*buffer 2 s")
    keys.type(" ")
    await keys.shows("RECORDING.*since the press")
    keys.type(" ")
    await keys.shows("saved")


def only_clip(folder: Path) -> tuple[Account, Path]:
    store = EvidenceStore(folder / "evidence")
    (account,) = store.listing()
    return account, store.video(account.recording)


def assert_part(recorded: Path, source: Path) -> None:
    """Every frame of the recording is one of the source's, in its order, none missing in between."""
    own, taken = slices(source), slices(recorded)
    start = own.index(taken[0])
    assert taken == own[start : start + len(taken)]


@pytest.mark.parametrize("kind", ["mp4", "ts", "mkv"])
async def test_a_file_is_recorded_bit_for_bit(tmp_path: Path, kind: str) -> None:
    video = source_video(tmp_path / f"source.{kind}")
    with terminal(columns=200) as keys, camera_on(keys, tmp_path, "--video", video, *COPY) as cam:
        await record(keys)
        keys.type("q")
        assert await cam.ends() == 0
    account, recorded = only_clip(tmp_path)
    assert_part(recorded, video)
    assert (account.status, account.copied, account.gaps, account.dropped_frames) == ("complete", True, [], 0)
    assert account.longest_gop_s == pytest.approx(1.0, abs=0.01)
    assert account.frames % 30 == 0, "it begins and ends at keyframes"
    assert 0 < account.after_stop_s <= 1.1
    assert account.prebuffer_actual_s >= 2.0
    assert complaints(recorded) == ""


@pytest.fixture
def rpicam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("PATH", f"{rpicam_vid.install(tmp_path)}:{os.environ['PATH']}")
    return monkeypatch


RPICAM = ("--video", "rpicam", "--width", "128", "--height", "64", *COPY)


async def test_a_camera_module_with_its_boards_encoder(tmp_path: Path, rpicam: pytest.MonkeyPatch) -> None:
    with terminal(columns=200) as keys, camera_on(keys, tmp_path, *RPICAM) as cam:
        await record(keys)
        keys.type("q")
        assert await cam.ends() == 0
    account, recorded = only_clip(tmp_path)
    read = numbers(recorded.read_bytes())
    assert read == [number % 256 for number in range(read[0], read[0] + account.frames)]
    assert account.longest_gop_s == pytest.approx(1.0, abs=0.05), "as requested of the board's encoder"
    frames = rpicam_vid.h264_frames(128, 64, 30)
    own = [unit for _ in range(300) for unit in nal_units(next(frames)) if unit_type(unit) in (1, 5)]
    taken = slices(recorded)
    assert taken == own[own.index(taken[0]) :][: len(taken)]


async def test_a_board_that_changes_the_size_continues_in_a_linked_clip(
    tmp_path: Path, rpicam: pytest.MonkeyPatch
) -> None:
    rpicam.setenv("RPICAM_DOUBLE", f"widen={tmp_path / 'widen'}")
    with terminal(columns=200) as keys, camera_on(keys, tmp_path, *RPICAM) as cam:
        await keys.shows(r"BUFFERING.*buffer 1 s")
        keys.type(" ")
        await keys.shows("RECORDING")
        (tmp_path / "widen").touch()
        await keys.shows("saved")
        await keys.shows("RECORDING")
        keys.type(" ")
        await keys.shows("saved")
        keys.type("q")
        assert await cam.ends() == 0
    store = EvidenceStore(tmp_path / "evidence")
    first, second = store.listing()
    assert (first.continued_by, second.continues) == (second.recording, first.recording)
    read = [len(numbers(store.video(one.recording).read_bytes())) for one in (first, second)]
    assert read == [first.frames, second.frames]


async def test_an_interrupted_module_is_a_gap_and_goes_on_at_a_keyframe(
    tmp_path: Path, rpicam: pytest.MonkeyPatch
) -> None:
    rpicam.setenv("RPICAM_DOUBLE", f"unplug={tmp_path / 'unplug'}")
    with terminal(columns=200) as keys, camera_on(keys, tmp_path, *RPICAM) as cam:
        await keys.shows(r"BUFFERING.*buffer 1 s")
        keys.type(" ")
        await keys.shows("RECORDING")
        (tmp_path / "unplug").touch()
        await keys.shows("no video: rpicam: rpicam-vid has ended")
        await keys.shows(r"RECORDING.* \d+ fps")
        keys.type("q")
        assert await cam.ends() == 0
    account, recorded = only_clip(tmp_path)
    assert len(account.gaps) >= 1
    assert "unplugged" in account.gaps[0].reason
    assert len(numbers(recorded.read_bytes())) == account.frames


def test_what_cannot_be_copied_is_one_line(tmp_path: Path) -> None:
    with_b_frames = write_video(tmp_path / "b.mp4", range(40))
    evidence = ("--evidence", tmp_path / "evidence")
    for flags, why in (
        (("--video", with_b_frames, *COPY), "has B-frames"),
        (("--video", "scene", *COPY), "scene: has no encoding of its own"),
        (("--video", with_b_frames, "--width", "128", *COPY), "cannot be changed"),
        (("--video", with_b_frames, "--overlay", *COPY), "nothing can be drawn"),
    ):
        ended = lapel_camera("run", *evidence, *flags)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
        assert why in ended.stderr
