"""The verdict on a clip finds every wrong account: each test makes one."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fragments import EPOCH, instant
from lapel.hardware.interfaces import Frame
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.scene import Scene
from lapel.recording import Account, Cause, GapNote
from lapel_fleet.checkers.clip import judge
from video_files import file_of

RATE = 10


def scene_file(numbers: list[int]) -> bytes:
    """Frames of the drawn scene, each at the time of its number."""
    scene, encoder, closed = Scene(160, 90, "cam-0001"), Encoder(EncoderSettings(RATE, 200_000, codec="libx264")), []
    for number in numbers:
        at = instant(number / RATE)
        closed.append(encoder.encode(Frame(at, scene.draw(number, at.mono_s, EPOCH))))
    closed.append(encoder.cut())
    return file_of([one for one in closed if one is not None])


def correct(**changes: object) -> Account:
    account = Account(
        recording="r", status="complete", agency="a", site="s", camera="c", session="x", firmware="0",
        clock_quality="synced", trigger_time="t", start=Cause("button"), prebuffer_configured_s=2.0,
        prebuffer_actual_s=2.0, prebuffer_saved=True, duration_s=4.0, frames=40,
    )  # fmt: skip
    return msgspec.structs.replace(account, **changes)


def problems(folder: Path, account: Account, numbers: list[int]) -> list[str]:
    (folder / "video.mp4").write_bytes(scene_file(numbers))
    (folder / "recording.json").write_bytes(msgspec.json.encode(account))
    return judge(folder).problems


GAP = [*range(20), *range(50, 70)]
WITH_GAP: dict[str, object] = {"duration_s": 7.0, "gaps": [GapNote(2.0, 3.0, "unplugged")]}


def test_correct_recordings_pass(tmp_path: Path) -> None:
    assert problems(tmp_path, correct(), list(range(40))) == []
    assert problems(tmp_path, correct(**WITH_GAP), GAP) == []
    assert (
        problems(tmp_path, correct(prebuffer_actual_s=1.0, prebuffer_shortfall="just started"), list(range(40))) == []
    )
    assert problems(tmp_path, correct(frames=39, dropped_frames=1), [n for n in range(40) if n != 7]) == []


@pytest.mark.parametrize(
    ("account", "numbers", "problem"),
    [
        (correct(status="interrupted"), list(range(40)), "is interrupted"),
        (correct(prebuffer_actual_s=1.0), list(range(40)), "without a reason"),
        (correct(prebuffer_saved=False), list(range(40)), "not reported as saved"),
        (correct(frames=41), list(range(40)), "41 are in the account"),
        (correct(duration_s=9.0), list(range(40)), "9.0 are in the account"),
        (correct(duration_s=7.0), GAP, "is not reported"),
        (correct(frames=39), [n for n in range(40) if n != 7], "1 frames are missing, 0 are reported"),
    ],
)
def test_each_wrong_account_is_found(tmp_path: Path, account: Account, numbers: list[int], problem: str) -> None:
    assert any(problem in one for one in problems(tmp_path, account, numbers))


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"no video")])
def test_a_file_that_cannot_be_played_is_a_problem(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    problems(tmp_path, correct(), list(range(40)))
    damage(tmp_path / "video.mp4")
    assert "cannot be played" in judge(tmp_path).problems[0]
    (tmp_path / "recording.json").write_text("{")
    assert "recording.json" in judge(tmp_path).problems[0]
