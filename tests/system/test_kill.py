"""`kill -9` while recording: what was reported as saved is on disk, and the rest of the video is a prefix."""

import asyncio
import os
import random
from itertools import pairwise
from pathlib import Path

import pytest

from lapel.clock import Instant, SystemClock
from lapel.evidence.store import EvidenceStore
from lapel.evidence.trust import Trust
from lapel.evidence.verify import Verdict, verify_recording
from lapel.recording import Account
from system.process import SMALL_SCENE, camera, camera_on, terminal
from system.videos import captured_s, shots

GOP_S = 1.0
GRACE_S = 0.3
"""A GOP that closed this long before the kill must be in the file."""


@pytest.mark.timeout(120)
async def test_three_kills(tmp_path: Path) -> None:
    await kill_often(tmp_path, 3, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_two_hundred_kills(tmp_path: Path) -> None:
    await kill_often(tmp_path, 200, seed=int(os.environ.get("LAPEL_SEED", "2")))


async def kill_often(folder: Path, kills: int, seed: int) -> None:
    """The first kill of three comes while the pre-event part is being written, the others later."""
    print(f"LAPEL_SEED={seed}")
    rng, saved, begun = random.Random(seed), 0, 0
    for number in range(kills):
        recorded_s = rng.uniform(0.0, 0.06) if number % 3 == 0 else rng.uniform(0.1, 2.5)
        account = await killed(folder, recorded_s, rng.uniform(0.5, 3.0))
        begun += account is not None
        saved += account is not None and account.prebuffer_saved
    print(f"{kills} kills, {begun} of them into a recording, {saved} after its pre-event part was saved")
    with camera(folder, *SMALL_SCENE, name="last") as last:
        await last.prints("buffering")
    store = EvidenceStore(folder / "evidence")
    assert [one.status for one in store.listing()] == ["interrupted"] * begun
    assert saved
    trust = Trust.read([store.root / ".lapel" / "identity" / "certificate.pem"])
    for account in store.listing():
        report = verify_recording(store.root / account.recording, trust)
        assert [one.kind for one in report.findings] in (["interrupted"], ["manifest-unusable"]), report
        assert report.verdict is Verdict.CANNOT_SAY


async def killed(folder: Path, recorded_s: float, buffered_s: float) -> Account | None:
    """Start a recording and kill the camera. Returns the account from before the kill; None without a recording."""
    store = EvidenceStore(folder / "evidence")
    before = {one.recording for one in store.listing()} if store.root.exists() else set()
    with terminal() as keys, camera_on(keys, folder, *SMALL_SCENE, "--prebuffer", "2") as cam:
        await keys.shows("BUFFERING.* fps")
        await asyncio.sleep(buffered_s)
        keys.type(" ")
        await asyncio.sleep(recorded_s)
        begun = [one for one in store.listing() if one.recording not in before]
        at = SystemClock().now()
        cam.kill()
    if not begun:  # it may have begun between the listing and the kill
        begun = [one for one in store.listing() if one.recording not in before]
        return begun[0] if begun else None
    check_video(store, begun[0], at)
    return begun[0]


def check_video(store: EvidenceStore, account: Account, at: Instant) -> None:
    """The frames in the video are consecutive; after `prebuffer-saved` they reach up to the kill."""
    folder = store.root / account.recording
    if not (folder / "video.mp4").exists():
        assert not account.prebuffer_saved
        return
    numbers = [shot.number for shot in shots(folder / "video.mp4")]
    assert numbers, "a video has its name only with its first whole fragment"
    missing = sum(later - earlier - 1 for earlier, later in pairwise(numbers))
    assert missing <= 2, f"{missing} frames are missing in the middle"
    if account.prebuffer_saved:
        behind_s = at.mono_s - captured_s(numbers[-1], at)
        assert behind_s <= GOP_S + GRACE_S + 0.1, f"the file ends {behind_s:.2f} s before the kill"
