"""Two hours of a recording in virtual time: what the wearer and the console did is in it, each at its second."""

from pathlib import Path

import pytest

from camera_harness import CameraHarness, run_steps
from evidence.recordings import trust
from lapel.evidence.description import facts, happenings
from lapel.evidence.manifest_reader import read_manifest
from lapel.evidence.verify import Verdict, verify_recording
from lapel.hardware.interfaces import SoundStatus

FLAGS = {
    ("recording", "categories"): "traffic stop, use of force",
    ("recording", "critical_categories"): "use of force",
}


def test_two_hours_with_a_peer_s_trigger_mute_markers_and_categories(tmp_path: Path) -> None:
    began: list[float] = []

    async def until(harness: CameraHarness, seconds: float) -> None:
        await harness.clock.sleep(began[0] + seconds - harness.clock.mono_s())

    async def steps(harness: CameraHarness) -> None:
        harness.footage.sound = SoundStatus()
        await harness.clock.sleep(12)
        harness.camera.wearer.assignment.assign("4711", "console")
        began.append(harness.clock.mono_s())
        harness.link.command("trigger", "0", trigger="peer", peer="cam-7", distance_m=12.0)
        await until(harness, 600)
        harness.camera.mark()
        await until(harness, 1200)
        harness.camera.mute("talks to a lawyer", "console")
        await until(harness, 1500)
        harness.camera.unmute("console")
        await until(harness, 3600)
        harness.link.command("mark", "1", label="knife found")
        harness.link.command("category", "2", category="traffic stop")
        await until(harness, 5400)
        harness.link.command("category", "3", category="use of force")
        await until(harness, 7200)
        harness.camera.press()
        await harness.clock.sleep(1)

    harness = run_steps(tmp_path, steps, flags=FLAGS)
    (account,) = harness.accounts()
    before_s = account["prebuffer_actual_s"]
    assert (account["start"]["source"], account["start"]["reason"]) == ("trigger", "peer cam-7, 12 m away (test)")
    assert account["duration_s"] == pytest.approx(before_s + 7200, abs=0.1)
    assert account["markers_s"] == pytest.approx([before_s + 600, before_s + 3600], abs=0.01)
    assert account["marker_labels"] == ["", "knife found"]
    (mute,) = account["mutes"]
    assert (mute["start_s"], mute["end_s"]) == pytest.approx((before_s + 1200, before_s + 1500), abs=0.01)
    assert (account["category"], account["is_critical"], account["wearer"]) == ("use of force", True, "4711")
    folder = tmp_path / account["recording"]
    assert verify_recording(folder, trust(tmp_path)).verdict is Verdict.INTACT
    manifest = read_manifest(folder / "manifest.jsonl")
    assert dict(facts(manifest))["category"] == "use of force (critical)"
    assert dict(facts(manifest))["policy"] == "development, no rule limits it"
    texts = [text for _, text in happenings(manifest)]
    assert texts.index("category: traffic stop") < texts.index("category: use of force")
    assert "marker: knife found" in texts
