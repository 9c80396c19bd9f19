"""An exported recording in players that know nothing of Lapel."""

import json
from pathlib import Path

import pytest

from evidence.recordings import write_recording
from lapel.evidence import identity
from lapel.evidence.cli import main
from real_clips import video_fragments
from system.played_page import report_of
from system.videos import complaints, length_s

PAGE = """
<video src="clip.mp4" muted></video>
<script>
  const video = document.querySelector("video");
  const report = (what) => fetch("http://127.0.0.1:%d/?" + encodeURIComponent(JSON.stringify(what)), {mode: "no-cors"});
  video.onerror = () => report({error: video.error.message});
  video.onended = () => report({duration: video.duration, frames: video.getVideoPlaybackQuality().totalVideoFrames});
  video.play();
</script>
"""


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    identity.make(tmp_path / "exporter", "Records Unit")
    recording = write_recording(tmp_path / "evidence", fragments=list(video_fragments()))
    out = tmp_path / "clip.mp4"
    assert main(["export", str(recording), "--out", str(out), "--signer", str(tmp_path / "exporter")]) == 0
    return out


def test_ffmpeg_decodes_it_without_a_warning(exported: Path) -> None:
    assert complaints(exported) == ""
    assert length_s(exported) == pytest.approx(3.0, abs=0.05)


async def test_chromium_plays_it_to_its_end(exported: Path, tmp_path: Path) -> None:
    played = json.loads(await report_of(tmp_path / "page.html", PAGE, tmp_path / "profile"))
    assert played == {"duration": pytest.approx(3.0, abs=0.05), "frames": pytest.approx(90, abs=5)}
