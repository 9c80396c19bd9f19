"""The verdict on a clip on disk: whether it plays, and whether its account is correct."""

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
"""Tolerance of times, three frames at 30 fps: accounts are rounded to milliseconds, captures jitter."""
_GAP_S = 0.5
"""A longer time between two frames must be reported as a gap."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One clip and its problems: none if it plays and its account is correct."""

    folder: Path
    account: Account | None
    problems: list[str]


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What the frames show: their times in seconds, and the numbers drawn on them (-1: none)."""

    times_s: list[float]
    numbers: list[int]


def judge(folder: Path) -> Verdict:
    """The verdict on the clip in `folder`. Raises nothing: a file that cannot be read is a problem."""
    try:
        account = msgspec.json.decode((folder / "recording.json").read_bytes(), type=Account)
    except (OSError, msgspec.MsgspecError) as error:
        return Verdict(folder, None, [f"recording.json: {error}"])
    try:
        decoded = _decoded(folder / "video.mp4")
    except (OSError, FFmpegError) as error:
        return Verdict(folder, account, [f"video.mp4 cannot be played: {error}"])
    problems = [*_contradictions(account), *_wrong_figures(account, decoded), *_unreported_gaps(account, decoded)]
    return Verdict(folder, account, [*problems, *_missing_frames(account, decoded)])


def _decoded(path: Path) -> _Decoded:
    times, numbers = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            times.append(float(frame.time or 0.0))
            number = read_number(cast(Image, frame.to_ndarray(format="bgr24")))
            numbers.append(-1 if number is None else number)
    return _Decoded(times, numbers)


def _contradictions(account: Account) -> list[str]:
    """Problems that the account shows by itself."""
    problems = []
    if account.status != "complete":
        problems.append(f"is {account.status}, not complete")
    missing_s = account.prebuffer_configured_s - account.prebuffer_actual_s
    if missing_s > _FRAME_S and not account.prebuffer_shortfall:
        problems.append(f"{missing_s:.1f} s of the pre-event part are missing without a reason")
    if not account.prebuffer_saved:
        problems.append("its pre-event part was not reported as saved")
    return problems


def _wrong_figures(account: Account, decoded: _Decoded) -> list[str]:
    problems = []
    if len(decoded.times_s) != account.frames:
        problems.append(f"{len(decoded.times_s)} frames play, {account.frames} are in the account")
    if decoded.times_s and decoded.times_s[0] != 0.0:
        problems.append(f"begins at {decoded.times_s[0]:.3f} s instead of 0")
    if decoded.times_s and abs(account.duration_s - decoded.times_s[-1]) > _GAP_S:
        problems.append(f"plays for {decoded.times_s[-1]:.1f} s, {account.duration_s:.1f} are in the account")
    return problems


def _unreported_gaps(account: Account, decoded: _Decoded) -> list[str]:
    problems = []
    for before_s, after_s in zip(decoded.times_s, decoded.times_s[1:], strict=False):
        reported = any(abs(gap.start_s + gap.duration_s - after_s) < _FRAME_S for gap in account.gaps)
        if after_s - before_s > _GAP_S and not reported:
            problems.append(f"the gap from {before_s:.1f} to {after_s:.1f} s is not reported")
    return problems


def _missing_frames(account: Account, decoded: _Decoded) -> list[str]:
    """The frames of drawn scenes are numbered: a missing number must be reported as dropped, or lie in a gap."""
    if -1 in decoded.numbers:
        return []
    missing = 0
    for index in range(1, len(decoded.numbers)):
        step = (decoded.numbers[index] - decoded.numbers[index - 1]) % (1 << NUMBER_BITS)
        if step == 0:
            return [f"frame {decoded.numbers[index]} is there twice"]
        in_gap = decoded.times_s[index] - decoded.times_s[index - 1] > _GAP_S
        missing += 0 if in_gap else step - 1
    if missing > account.dropped_frames:
        return [f"{missing} frames are missing, {account.dropped_frames} are reported as dropped"]
    return []
