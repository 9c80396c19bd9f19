"""A camera as a small board runs it, 720p with a 30 s buffer: its memory does not grow.

Resident memory, by the kernel's own count of its peak. A limit of the address space is none: FFmpeg's libraries alone
take more of it than a board of 512 MB has memory.
"""

import asyncio
from pathlib import Path

import pytest

from lapel.evidence.store import EvidenceStore
from system.process import camera_on, terminal

PEAK_MB = 250
"""Of the 512 MB of a small board; 205 to 230 MB were measured (x86), of which the buffer is 30 MB."""
GROWTH_MB = 20
"""From the first full buffer and recording on."""
FLAGS = ("--video", "scene", "--width", "1280", "--height", "720", "--prebuffer", "30", "--audio", "tone")
ROUND_S = 60


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_ten_minutes_of_720p_with_a_30_s_buffer_stay_within_a_small_board(tmp_path: Path) -> None:
    peaks_mb = await peaks_of(tmp_path, minutes=10)
    assert max(peaks_mb) < PEAK_MB, peaks_mb
    assert peaks_mb[-1] - peaks_mb[1] < GROWTH_MB, peaks_mb


async def peaks_of(folder: Path, minutes: int) -> list[float]:
    """The peak so far at the end of each minute, in MB. Half of each minute is recorded."""
    found = []
    with terminal(columns=200) as keys, camera_on(keys, folder, *FLAGS) as cam:
        await keys.shows("BUFFERING.* fps")
        for _ in range(minutes):
            await asyncio.sleep(ROUND_S / 2)
            keys.type(" ")
            await asyncio.sleep(ROUND_S / 2)
            keys.type(" ")
            await keys.shows("saved ")
            found.append(cam.peak_memory_bytes() / 1e6)
        keys.type("q")
        assert await cam.ends() == 0
    accounts = EvidenceStore(folder / "evidence").listing()
    assert [one.status for one in accounts] == ["complete"] * minutes
    return found
