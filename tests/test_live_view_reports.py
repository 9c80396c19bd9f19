"""A camera with live view: what the wearer, the fleet and the audit log learn about those who watch."""

from pathlib import Path

from camera_harness import CameraHarness, run_steps
from lapel.evidence.audit_log import log_files
from lapel.link.messages import StateMessage
from lapel.live_view.viewers import GONE_AFTER_S, Viewer

ANN = Viewer("ann", through="page")


def test_the_wearer_is_told_and_the_look_is_on_record(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        view = harness.live_view
        assert not view.window.is_open  # nothing of the buffer can be seen
        await harness.clock.sleep(12)
        assert not view.window.is_open
        harness.camera.press()
        await harness.clock.sleep(3)
        assert view.look(ANN)
        await harness.clock.sleep(GONE_AFTER_S + 2)
        view.look(ANN)
        await harness.clock.sleep(1)
        harness.camera.press()
        await harness.clock.sleep(1)

    done = run_steps(tmp_path, steps)
    assert done.indicators.signals.count("live view") == 2
    assert "live view: ann (through page) watches" in done.indicators.lines
    events = done.link.events("live-viewed", "live-view-ended")
    assert [one.kind for one in events] == ["live-viewed", "live-view-ended"] * 2
    (recording,) = (account["recording"] for account in done.accounts())
    assert dict(events[0].detail) == {"recording": recording, "viewer": "ann", "through": "page"}
    assert events[3].detail["seconds"] == 1.0
    flagged = ["live-view" in one.flags for one in done.link.published if isinstance(one, StateMessage)]
    changes = [now for before, now in zip([False, *flagged], flagged, strict=False) if now != before]
    assert changes == [True, False, True, False]
    audit = b"".join(path.read_bytes() for path in log_files(tmp_path))
    assert (audit.count(b'"live-viewed"'), audit.count(b'"live-view-ended"')) == (2, 2)


def test_the_state_message_says_where_and_the_stream_is_the_recording(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(5.3)
        harness.camera.press()
        await harness.clock.sleep(4)
        window = harness.live_view.window
        starts_s = [one.fragment.start.mono_s for one in window.listed]
        assert starts_s == sorted(starts_s)
        assert not any(one.is_discontinuity for one in window.listed)
        harness.camera.press()
        await harness.clock.sleep(1)
        assert window.has_ended

    done = run_steps(tmp_path, steps)
    states = [one for one in done.link.published if isinstance(one, StateMessage)]
    assert {one.live_view for one in states} == {"http://127.0.0.1:8091/home/cam-0001/"}
    assert not done.live_view.window.is_open
