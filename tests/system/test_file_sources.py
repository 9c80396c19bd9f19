"""`lapel-camera run` on files that are not all of one kind: two sizes, pixels that are not square, a varying rate."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from lapel.evidence.store import EvidenceStore
from system.process import camera_on, terminal
from system.videos import complaints
from video_files import join, write_video


async def record_to_the_end(folder: Path, video: Path) -> tuple[EvidenceStore, str]:
    """Press soon after the start, and let the camera end with its file. Returns what it recorded and printed."""
    with terminal(columns=200) as keys, camera_on(keys, folder, "--video", video, "--prebuffer", "30") as cam:
        await keys.shows("BUFFERING.* fps")
        keys.type(" ")
        assert await cam.ends() == 0
        return EvidenceStore(folder / "evidence"), keys.screen


def stored(video: Path) -> tuple[int, int, Fraction | None, list[float]]:
    """(width, height, pixel aspect, times of the frames) of a recorded file."""
    with av.open(str(video)) as container:
        times = [float(frame.time or 0.0) for frame in container.decode(video=0)]
        stream = container.streams.video[0]
        return stream.width, stream.height, stream.sample_aspect_ratio, times


async def test_a_source_of_two_sizes_becomes_two_linked_clips(tmp_path: Path) -> None:
    small = write_video(tmp_path / "small.ts", range(40))
    large = write_video(tmp_path / "large.ts", range(40, 80), size=(128, 96))
    store, screen = await record_to_the_end(tmp_path, join(tmp_path / "both.ts", [small, large]))
    first, second = store.listing()
    assert (first.continued_by, second.continues) == (second.recording, first.recording)
    assert first.stop is not None
    assert first.stop.reason == "the video changed its frame format"
    assert [stored(store.video(one.recording))[:2] for one in (first, second)] == [(64, 32), (128, 96)]
    assert (first.frames + second.frames, first.gaps, second.gaps) == (80, [], [])
    assert [complaints(store.video(one.recording)) for one in (first, second)] == ["", ""]
    assert "the frame format changed from 64x32 to 128x96" in screen


async def test_an_anamorphic_file_is_recorded_with_square_pixels_and_this_is_logged(tmp_path: Path) -> None:
    video = write_video(tmp_path / "wide.mp4", range(40), pixel_aspect=Fraction(2))
    with terminal(columns=200) as keys, camera_on(keys, tmp_path, "--video", video, "--prebuffer", "30") as cam:
        await keys.shows(r"wide\.mp4: pixels are not square \(2:1\); 64x32 is recorded as 128x32")
        keys.type(" ")
        assert await cam.ends() == 0
    store = EvidenceStore(tmp_path / "evidence")
    (account,) = store.listing()
    width, height, aspect, _ = stored(store.video(account.recording))
    assert (width, height, aspect in (None, 1)) == (128, 32, True)


async def test_a_file_of_a_varying_rate_is_recorded_at_its_own_speed(tmp_path: Path) -> None:
    own_s = [number / 30 for number in range(90)] + [3.0 + number / 6 for number in range(13)]
    video = write_video(tmp_path / "varying.mp4", range(103), rate_fps=30, times_s=own_s)
    store, _ = await record_to_the_end(tmp_path, video)
    (account,) = store.listing()
    *_, times_s = stored(store.video(account.recording))
    assert (account.frames, account.gaps, account.dropped_frames) == (103, [], 0)
    periods_s = [later - earlier for earlier, later in pairwise(times_s)]
    assert periods_s == pytest.approx([later - earlier for earlier, later in pairwise(own_s)], abs=0.002)
