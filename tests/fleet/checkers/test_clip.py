"""The checker is believed only if it catches lies: each test plants one."""

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
    """Pictures of the drawn street, each at its number's time."""
    scene, encoder, closed = Scene(160, 90, "cam-0001"), Encoder(EncoderSettings(RATE, 200_000, codec="libx264")), []
    for number in numbers:
        at = instant(number / RATE)
        closed.append(encoder.encode(Frame(at, scene.draw(number, at.mono_s, EPOCH))))
    closed.append(encoder.cut())
    return file_of([one for one in closed if one is not None])


def honest(**changes: object) -> Account:
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
TOLD: dict[str, object] = {"duration_s": 7.0, "gaps": [GapNote(2.0, 3.0, "unplugged")]}


def test_honest_recordings_pass(tmp_path: Path) -> None:
    assert problems(tmp_path, honest(), list(range(40))) == []
    assert problems(tmp_path, honest(**TOLD), GAP) == []
    assert problems(tmp_path, honest(prebuffer_actual_s=1.0, prebuffer_shortfall="just started"), list(range(40))) == []
    assert problems(tmp_path, honest(frames=39, dropped_frames=1), [n for n in range(40) if n != 7]) == []


@pytest.mark.parametrize(
    ("account", "numbers", "said"),
    [
        (honest(status="interrupted"), list(range(40)), "is interrupted"),
        (honest(prebuffer_actual_s=1.0), list(range(40)), "without a reason"),
        (honest(prebuffer_saved=False), list(range(40)), "never said to be saved"),
        (honest(frames=41), list(range(40)), "41 are told"),
        (honest(duration_s=9.0), list(range(40)), "9.0 are told"),
        (honest(duration_s=7.0), GAP, "nothing is said of the gap"),
        (honest(frames=39), [n for n in range(40) if n != 7], "1 pictures are missing, 0 are told"),
    ],
)
def test_each_lie_is_caught(tmp_path: Path, account: Account, numbers: list[int], said: str) -> None:
    assert any(said in problem for problem in problems(tmp_path, account, numbers))


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"no video")])
def test_what_cannot_be_played_is_a_problem_and_no_crash(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    problems(tmp_path, honest(), list(range(40)))
    spoil(tmp_path / "video.mp4")
    assert "cannot be played" in judge(tmp_path).problems[0]
    (tmp_path / "recording.json").write_text("{")
    assert "recording.json" in judge(tmp_path).problems[0]
