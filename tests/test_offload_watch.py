"""When a camera offloads, and what it reports: with a whole camera in virtual time and a back end in memory."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from body_worn_camera import BodyWornHarness
from body_worn_camera import run_steps as run_body_worn
from camera_harness import CameraHarness, run_steps
from evidence.recordings import SEALING
from lapel.clock import iso
from lapel.errors import BlockedError, RejectedError
from lapel.evidence.deletion import RecordingDeleter
from lapel.evidence.outgoing import OutgoingFolder
from lapel.evidence.receipt import make_receipt
from lapel.evidence.receipt_files import RECEIPT, closed_recording
from lapel.evidence.retention import RetentionRules
from lapel.link.messages import Command, EventMessage, Reply
from lapel.offload.progress import FolderNotes, MemoryNotes
from lapel.offload_watch import CLOCK_WAIT_S, OffloadParts
from lapel.own_files import DamageReports
from lapel.states import State
from lapel_fleet.time.virtual_time import VirtualClock
from offload.back_ends import PART_BYTES, Fails, MemoryCard, MemoryDestination, clip
from receipts import BACK_END

LONG = clip("a", 100 * PART_BYTES)
"""Takes 40 s."""


class Docked:
    """A body-worn camera with recordings on its card, and its back end."""

    def __init__(self, *clips: Any, **destination: Any) -> None:
        self.card, self._own = MemoryCard(*(clips or [clip("a")])), destination
        self.notes = MemoryNotes()

    def __call__(self, clock: VirtualClock) -> OffloadParts:
        self.destination = MemoryDestination(clock, **self._own)
        return OffloadParts(self.destination, self.card, self.notes)


def doing(harness: BodyWornHarness) -> str:
    status = harness.camera.offload.status()
    return status.doing if status is not None else ""


def kinds(harness: BodyWornHarness | CameraHarness) -> list[str]:
    own = ("offload", "recording-offloaded", "recording-confirmed", "receipt")
    events = [message for message in harness.link.published if isinstance(message, EventMessage)]
    return [event.kind for event in events if event.kind.startswith(own)]


def replies(harness: BodyWornHarness | CameraHarness) -> list[tuple[str, str, str | None]]:
    found = [message for message in harness.link.published if isinstance(message, Reply)]
    return [(reply.id, reply.result, reply.reason) for reply in found if reply.command == "offload"]


# -- the dock ----------------------------------------------------------------------------------------------------------


def test_in_the_dock_and_only_there() -> None:
    back_end = Docked()

    async def steps(harness: BodyWornHarness) -> None:
        assert doing(harness) == "waits: the camera is not in its dock"
        harness.dock.put_in()
        await harness.clock.sleep(10)
        assert back_end.destination.complete == ["a"]
        assert kinds(harness) == ["offload-started", "recording-offloaded", "recording-confirmed"]
        assert doing(harness) == "done: every recording is confirmed"

    run_body_worn(steps, offload=back_end)


def test_undocking_in_mid_upload_stops_cleanly_and_the_next_dock_goes_on() -> None:
    back_end = Docked(LONG)

    async def steps(harness: BodyWornHarness) -> None:
        harness.dock.put_in()
        await harness.clock.sleep(20)
        harness.dock.take_out()
        await harness.clock.sleep(1)
        received = back_end.destination.received_bytes
        await harness.start_recording()  # the camera is a camera again at once
        await harness.clock.sleep(60)
        assert back_end.destination.received_bytes == received
        harness.dock.put_in()
        await harness.clock.sleep(60)
        assert back_end.destination.complete == ["a"]
        assert back_end.destination.received_bytes < 101 * PART_BYTES + 1000

    run_body_worn(steps, offload=back_end)


def test_progress_is_in_telemetry() -> None:
    back_end = Docked(LONG, clip("b"))

    async def steps(harness: BodyWornHarness) -> None:
        harness.dock.put_in()
        await harness.clock.sleep(30)
        message = harness.telemetry()
        assert message.offload_recordings_left == 1
        assert message.offload_awaiting_receipt == 0
        assert 0 < (message.offload_bytes_left or 0) < 100 * PART_BYTES
        assert 4_000_000 < (message.offload_rate_bps or 0) <= 8_500_000
        await harness.clock.sleep(60)
        assert harness.telemetry().offload_bytes_left == 0

    run_body_worn(steps, offload=back_end)


def test_without_a_destination_telemetry_and_flags_say_nothing() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.dock.put_in()
        await harness.clock.sleep(60)
        assert harness.telemetry().offload_bytes_left is None
        harness.camera.on_command(Command(id="7", command="offload", recording="a"))
        await harness.clock.sleep(1)
        assert replies(harness) == [("7", "refused", "no destination is configured; see [offload]")]

    run_body_worn(steps)


# -- charge, clock, offload --------------------------------------------------------------------------------------------


def test_it_charges_first_where_the_dock_gives_no_power() -> None:
    back_end = Docked()

    async def steps(harness: BodyWornHarness) -> None:
        harness.camera.offload.on_state(State.DOCKED)
        harness.dock._battery = None  # a dock whose supply has failed
        harness.dock.put_in()
        await harness.clock.sleep(60)
        assert doing(harness) == "waits: it charges first: 8 % of 10 % are there, and the dock gives no power"
        harness.dock.take_out()
        harness.dock._battery = harness.battery
        harness.dock.put_in()
        await harness.clock.sleep(60)
        assert back_end.destination.complete == ["a"]

    run_body_worn(steps, offload=back_end, percent=8.3)


def save_with_a_clock_that_is_not_set(harness: CameraHarness, back_end: Docked) -> None:
    harness.clock.trusted = "unsynced"
    back_end.card.on_card = [clip("a")]
    harness.camera.offload.on_state(State.DOCKED)


def test_it_waits_for_its_clock_but_not_for_ever(tmp_path: Path) -> None:
    back_end = Docked()
    back_end.card.on_card = []

    async def steps(harness: CameraHarness) -> None:
        save_with_a_clock_that_is_not_set(harness, back_end)
        await harness.clock.sleep(CLOCK_WAIT_S - 30)
        status = harness.camera.offload.status()
        assert status is not None
        assert status.doing == "waits: its clock is not set yet; after 5 minutes it offloads all the same"
        await harness.clock.sleep(60)
        assert back_end.destination.complete == ["a"]
        assert any("times in its log are wrong" in str(line) for line in harness.camera.log.newest(20))

    run_steps(tmp_path, steps, offload=lambda store, clock: back_end(clock), flags={("offload", "when"): "always"})


def test_it_offloads_as_soon_as_its_clock_is_set(tmp_path: Path) -> None:
    back_end = Docked()
    back_end.card.on_card = []

    async def steps(harness: CameraHarness) -> None:
        save_with_a_clock_that_is_not_set(harness, back_end)
        await harness.clock.sleep(60)
        assert back_end.destination.complete == []
        harness.clock.trusted = "synced"
        await harness.clock.sleep(20)
        assert back_end.destination.complete == ["a"]

    run_steps(tmp_path, steps, offload=lambda store, clock: back_end(clock), flags={("offload", "when"): "always"})


# -- by command and at the console -------------------------------------------------------------------------------------


def test_one_recording_over_the_air_by_command() -> None:
    back_end = Docked(clip("a"), clip("b"))

    async def steps(harness: BodyWornHarness) -> None:
        harness.camera.on_command(Command(id="7", command="offload", recording="b", sender="dispatcher"))
        harness.camera.on_command(Command(id="8", command="offload", recording="none"))
        harness.camera.on_command(Command(id="9", command="offload"))
        await harness.clock.sleep(10)
        assert back_end.destination.complete == ["b"]
        assert replies(harness) == [
            ("8", "refused", "there is no such recording on the card"),
            ("9", "refused", "name the recording in the field `recording`"),
            ("7", "done", None),
        ]

    run_body_worn(steps, offload=back_end)


def test_a_command_that_a_restart_interrupts_is_answered_by_the_next_session() -> None:
    back_end = Docked(LONG)

    async def cut_short(harness: BodyWornHarness) -> None:
        harness.camera.on_command(Command(id="7", command="offload", recording="a"))
        await harness.clock.sleep(5)
        assert replies(harness) == []

    def resume(harness: BodyWornHarness) -> None:
        for id_ in ("7", "8"):
            reply = Reply(id=id_, command="offload", result="accepted", state="docked", time="2026-01-01T08:00:00Z")
            harness.camera.link_events.on_unfinished(reply)

    async def goes_on(harness: BodyWornHarness) -> None:
        assert replies(harness) == [("7", "done", None)]
        resume(harness)  # the link finds them later than the notes are read
        await harness.clock.sleep(60)
        assert replies(harness)[1:] == [("8", "failed", "the camera restarted before it was done")]

    run_body_worn(cut_short, offload=back_end)
    run_body_worn(goes_on, offload=back_end)


def test_at_the_consoles_command_it_starts_anywhere_and_pauses() -> None:
    back_end = Docked(LONG)

    async def steps(harness: BodyWornHarness) -> None:
        harness.camera.offload.start()
        await harness.clock.sleep(10)
        assert doing(harness) == "offloads a"
        harness.camera.offload.pause("a visitor")
        await harness.clock.sleep(10)
        assert doing(harness) == "waits: paused: a visitor"
        harness.dock.put_in()
        await harness.clock.sleep(60)
        assert back_end.destination.complete == ["a"]

    run_body_worn(steps, offload=back_end)


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_rejected_recording_is_an_event_a_flag_and_in_the_audit_log(tmp_path: Path) -> None:
    back_end = Docked(fail=Fails("begin", RejectedError("rejected: 400 at PUT c")))

    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(60)
        assert kinds(harness) == ["offload-started", "offload-failed"]
        assert "offload-rejected" in harness.camera.status().flags
        log = "".join(path.read_text() for path in harness.root.glob(".audit/*.jsonl"))
        assert '"event":"offload-failed"' in log
        assert "rejected: 400 at PUT c" in log
        assert await harness.camera.offload.retry("") == ["a"]
        await harness.clock.sleep(30)
        assert back_end.destination.complete == ["a"]
        assert "offload-rejected" not in harness.camera.status().flags

    run_steps(tmp_path, steps, offload=lambda store, clock: back_end(clock), flags={("offload", "when"): "always"})


def test_a_full_back_end_raises_a_flag_until_it_has_room() -> None:
    back_end = Docked(fail=Fails("begin", BlockedError("507 at PUT: full")))

    async def steps(harness: BodyWornHarness) -> None:
        harness.dock.put_in()
        await harness.clock.sleep(60)
        assert "offload-blocked" in harness.flags()
        harness.dock.take_out()
        await harness.clock.sleep(1)
        harness.dock.put_in()
        await harness.clock.sleep(60)
        assert back_end.destination.complete == ["a"]
        assert "offload-blocked" not in harness.flags()

    run_body_worn(steps, offload=back_end)


# -- receipts and retention --------------------------------------------------------------------------------------------


class SigningBackEnd(MemoryDestination):
    """Signs receipts for what it has, of recordings in a folder. `forge` changes them."""

    root: Path
    forge: Any = staticmethod(lambda line: line)

    async def receipt(self, recording: Any, clip: Any) -> bytes | None:
        if recording.id not in self.complete:
            return None
        closed = closed_recording(self.root / clip.account.recording)
        line: bytes = self.forge(make_receipt(closed, "Store", iso(self.clock.now().utc), BACK_END))
        return line


def parts_of(harness_root: Path, back_ends: list[SigningBackEnd], forge: Any = None) -> Any:
    def make(store: Any, clock: VirtualClock) -> OffloadParts:
        destination = SigningBackEnd(clock)
        destination.root = harness_root
        if forge is not None:
            destination.forge = forge
        back_ends.append(destination)
        card = OutgoingFolder(store, [BACK_END.public_key()], lambda: SEALING)
        return OffloadParts(destination, card, FolderNotes(harness_root / ".lapel" / "offload", DamageReports()))

    return make


async def record(harness: CameraHarness) -> None:
    harness.camera.press()
    await harness.clock.sleep(3)
    harness.camera.press()
    await harness.clock.sleep(2)


def test_only_a_good_receipt_starts_retention(tmp_path: Path) -> None:
    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(5)
        await record(harness)
        (account,) = harness.accounts()
        folder = tmp_path / account["recording"]
        await harness.clock.sleep(60)
        assert (folder / RECEIPT).exists()
        assert kinds(harness)[-1] == "recording-confirmed"
        await harness.clock.sleep(3 * 3600)
        assert not folder.exists()
        harness.camera.offload.on_saved()
        await harness.clock.sleep(1)
        assert list((tmp_path / ".lapel" / "offload").iterdir()) == []

    run_steps(
        tmp_path,
        steps,
        offload=parts_of(tmp_path, []),
        retention=lambda store: RecordingDeleter(store, RetentionRules(timedelta(hours=1)), [BACK_END.public_key()]),
        flags={("offload", "when"): "always"},
    )


def test_a_receipt_of_another_recording_is_refused_on_record_and_nothing_is_deleted(tmp_path: Path) -> None:
    first: list[bytes] = []

    def replay(line: bytes) -> bytes:
        first.append(line)
        return first[0]

    async def steps(harness: CameraHarness) -> None:
        await harness.clock.sleep(5)
        await record(harness)
        await harness.clock.sleep(5)
        await record(harness)
        await harness.clock.sleep(24 * 3600)
        assert len(harness.accounts()) == 1
        (event,) = harness.link.events("receipt-refused")
        assert "the receipt is for another recording" in str(event.detail["reason"])
        log = "".join(path.read_text() for path in harness.root.glob(".audit/*.jsonl"))
        assert '"event":"receipt-refused"' in log

    run_steps(
        tmp_path,
        steps,
        offload=parts_of(tmp_path, [], replay),
        retention=lambda store: RecordingDeleter(store, RetentionRules(timedelta(hours=1)), [BACK_END.public_key()]),
        flags={("offload", "when"): "always"},
    )
