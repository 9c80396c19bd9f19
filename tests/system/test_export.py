"""An exported recording in players that know nothing of Lapel."""

import asyncio
import json
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from evidence.recordings import write_recording
from lapel.evidence import identity
from lapel.evidence.cli import main
from real_clips import video_fragments
from system.brokers import real
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
    reported: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).decode().split(" ")[1]
        if path.startswith("/?") and not reported.done():
            reported.set_result(unquote(path[2:]))
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    page = tmp_path / "page.html"
    page.write_text(PAGE % server.sockets[0].getsockname()[1])
    browser = subprocess.Popen(
        [
            real("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--autoplay-policy=no-user-gesture-required",
            f"--user-data-dir={tmp_path / 'profile'}", page.as_uri(),
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        played = json.loads(await asyncio.wait_for(reported, 60))
    finally:
        browser.kill()
        browser.wait()
        server.close()
    assert played == {"duration": pytest.approx(3.0, abs=0.05), "frames": pytest.approx(90, abs=5)}
