"""The diagnosis: findings, remedies and verdict for any combination of conditions."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapel.console.command_parser import all_commands
from lapel.console.diagnosis import Survey, findings, verdict
from lapel.console.interface import (
    BatteryStatus,
    CameraOverview,
    HeldButton,
    NetworkStatus,
    StorageStatus,
    VideoStatus,
)

TABLE = all_commands()
some = st.sampled_from

SURVEYS = st.builds(
    Survey,
    overview=st.builds(
        CameraOverview,
        camera=st.just("cam-0001"),
        state=some(["off", "booting", "standby", "buffering", "recording", "docked", "fault"]),
        reason=some(["", "self-test failed: storage"]),
        clock=some(["synced", "unsynced"]),
        interrupted=some([(), ("a clip",)]),
        failed=some([(), ("20261124T070000Z-1: video.mp4: was removed",)]),
        damaged=some([(), ("outbox.sqlite.damaged-1",)]),
    ),
    video=st.builds(
        VideoStatus,
        source=st.just("/dev/video0"),
        fps=st.just(30.0),
        lost=some([None, "unplugged"]),
        last_frame_age_s=some([None, 0.1, 9.0]),
        unchanged_s=some([None, 0.0, 60.0]),
    ),
    storage=st.builds(
        StorageStatus, folder=st.just("evidence"), ok=st.booleans(), finding=st.just("broken"),
        free_bytes=some([None, 0, 9]), needed_bytes=st.just(5),
    ),
    network=st.builds(
        NetworkStatus,
        broker=some(["", "mqtts://broker.example"]),
        up=st.booleans(),
        reason=some(["Connection refused", "certificate has expired"]),
        duplicate=some(["", "0ea2e796f5601e59"]),
        refused=some(["", "event: not authorized"]),
        events_dropped=some([0, 3]),
        certificate_until=some([None, "2026-01-01T00:00:00Z"]),
        certificate_expired=st.booleans(),
    ),
    battery=some(
        [None, BatteryStatus(percent=3.0, minutes_left=14.0), BatteryStatus(percent=12.0), BatteryStatus(percent=100.0)]
    ),
    buttons=some([[], [HeldButton(name="event", held_s=2.0)], [HeldButton(name="event", held_s=60.0)]]),
)  # fmt: skip


@settings(max_examples=300)
@given(SURVEYS)
def test_every_command_in_a_remedy_is_valid(seen: Survey) -> None:
    for one in findings(seen):
        for quoted in re.findall(r"`([^`]+)`", one.remedy):
            TABLE.parse(quoted)


@given(SURVEYS)
def test_the_gravest_comes_first_and_decides_the_verdict(seen: Survey) -> None:
    found = findings(seen)
    is_blocker = [one.severity == "blocker" for one in found]
    assert is_blocker == sorted(is_blocker, reverse=True)
    assert verdict(found) == ("READY" if not found else "NOT READY" if is_blocker[0] else "RECORDS, BUT")


@given(SURVEYS)
def test_a_camera_that_cannot_record_is_never_called_ready(seen: Survey) -> None:
    if seen.overview.state not in ("buffering", "recording") or not seen.storage.ok or seen.storage.free_bytes == 0:
        assert verdict(findings(seen)) == "NOT READY"


SOUND = Survey(
    overview=CameraOverview(camera="cam-0001", state="buffering", clock="synced"),
    video=VideoStatus(source="/dev/video0", fps=30.0),
    storage=StorageStatus(folder="evidence", ok=True, finding="writable", free_bytes=9, needed_bytes=5),
    network=NetworkStatus(broker="mqtts://broker.example", up=True),
    battery=None,
    buttons=[],
)


def test_a_sound_camera_has_no_findings() -> None:
    assert findings(SOUND) == []


@pytest.mark.parametrize(
    ("part", "changes", "what", "remedy"),
    [
        ("overview", {"damaged": ["outbox.sqlite.damaged-1"]}, "1 file(s) of the camera were damaged and set aside",
         "the storage card may be failing"),
        ("overview", {"failed": ["clip-1: video.mp4: was removed"]}, "a recording failed: clip-1: video.mp4: was",
         "keep the storage card"),
        ("network", {"up": False, "duplicate": "s", "reason": "another live camera uses this camera's address"},
         "another live camera uses this camera's address", "`replace NAME`"),
        ("network", {"refused": "event: broker:1883: refuses a message (Not authorized)"},
         "the broker refuses messages: event: broker:1883: refuses a message (Not authorized)", "access list"),
        ("network", {"up": False, "reason": "refuses the subscription to x/command; let this camera read it"},
         "refuses the subscription to x/command; let this camera read it", "`network probe`"),
        ("storage", {"ok": False, "finding": "evidence: the disk can hold no more files (no free inodes)"},
         "the disk can hold no more files (no free inodes)", "storage card"),
    ],
)  # fmt: skip
def test_each_condition_is_named_first_with_its_remedy(
    part: str, changes: dict[str, Any], what: str, remedy: str
) -> None:
    broken = msgspec.structs.replace(SOUND, **{part: msgspec.structs.replace(getattr(SOUND, part), **changes)})
    found = findings(broken)
    assert len(found) == 1
    assert what in found[0].what
    assert remedy in found[0].remedy
