"""Is a recording playable, and does it tell the truth about itself? Looks only at what is on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import msgspec
from av.error import FFmpegError

from lapel.hardware.interfaces import Image
from lapel.media.scene import NUMBER_BITS, read_number
from lapel.recording import Account

_FRAME_S = 0.1
"""Times are compared to within three pictures at 30 fps: accounts round to milliseconds, captures jitter."""
_GAP_S = 0.5
"""Pictures further apart than this must be told as a gap."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One clip, and what is wrong with it: nothing, if it is playable and honest."""

    folder: Path
    account: Account | None
    problems: list[str]


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What the pictures themselves say: their times in seconds, and the numbers drawn on them (-1: none)."""

    times_s: list[float]
    numbers: list[int]


def judge(folder: Path) -> Verdict:
    """The verdict on the clip in `folder`. Raises nothing: what cannot be read is a problem."""
    try:
        account = msgspec.json.decode((folder / "recording.json").read_bytes(), type=Account)
    except (OSError, msgspec.MsgspecError) as error:
        return Verdict(folder, None, [f"recording.json: {error}"])
    try:
        decoded = _decoded(folder / "video.mp4")
    except (OSError, FFmpegError) as error:
        return Verdict(folder, account, [f"video.mp4 cannot be played: {error}"])
    problems = [*_told_wrong(account), *_counted_wrong(account, decoded), *_gaps_untold(account, decoded)]
    return Verdict(folder, account, [*problems, *_numbers_missing(account, decoded)])


def _decoded(path: Path) -> _Decoded:
    times, numbers = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            times.append(float(frame.time or 0.0))
            number = read_number(cast(Image, frame.to_ndarray(format="bgr24")))
            numbers.append(-1 if number is None else number)
    return _Decoded(times, numbers)


def _told_wrong(account: Account) -> list[str]:
    """What the account says against itself."""
    problems = []
    if account.status != "complete":
        problems.append(f"is {account.status}, not complete")
    missing_s = account.prebuffer_configured_s - account.prebuffer_actual_s
    if missing_s > _FRAME_S and not account.prebuffer_shortfall:
        problems.append(f"{missing_s:.1f} s from before the press are missing without a reason")
    if not account.prebuffer_saved:
        problems.append("its pre-event part was never said to be saved")
    return problems


def _counted_wrong(account: Account, decoded: _Decoded) -> list[str]:
    problems = []
    if len(decoded.times_s) != account.frames:
        problems.append(f"{len(decoded.times_s)} pictures play, {account.frames} are told")
    if decoded.times_s and decoded.times_s[0] != 0.0:
        problems.append(f"begins at {decoded.times_s[0]:.3f} s instead of 0")
    if decoded.times_s and abs(account.duration_s - decoded.times_s[-1]) > _GAP_S:
        problems.append(f"plays for {decoded.times_s[-1]:.1f} s, {account.duration_s:.1f} are told")
    return problems


def _gaps_untold(account: Account, decoded: _Decoded) -> list[str]:
    problems = []
    for before_s, after_s in zip(decoded.times_s, decoded.times_s[1:], strict=False):
        told = any(abs(gap.start_s + gap.duration_s - after_s) < _FRAME_S for gap in account.gaps)
        if after_s - before_s > _GAP_S and not told:
            problems.append(f"nothing is said of the gap from {before_s:.1f} to {after_s:.1f} s")
    return problems


def _numbers_missing(account: Account, decoded: _Decoded) -> list[str]:
    """Drawn scenes number their pictures: a number that is missing must be told as dropped, or lie in a gap."""
    if -1 in decoded.numbers:
        return []
    missing = 0
    for index in range(1, len(decoded.numbers)):
        step = (decoded.numbers[index] - decoded.numbers[index - 1]) % (1 << NUMBER_BITS)
        if step == 0:
            return [f"picture {decoded.numbers[index]} is there twice"]
        in_gap = decoded.times_s[index] - decoded.times_s[index - 1] > _GAP_S
        missing += 0 if in_gap else step - 1
    if missing > account.dropped_frames:
        return [f"{missing} pictures are missing, {account.dropped_frames} are told as dropped"]
    return []
