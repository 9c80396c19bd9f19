import asyncio
import errno
import gc
import io
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest

import video_files
from fragments import HEADER, fragment, instant, media_in
from fragments_with_sound import aac_frames, with_sound
from lapel import mp4_boxes as boxes
from lapel.clock import Instant, Quality
from lapel.evidence.store import EvidenceStore
from lapel.fragment import Fragment, Gap
from lapel.hardware.interfaces import PreEvent, Storage
from lapel.media.active_recording import Recording
from lapel.media.capture import open_source
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.frame_fitting import Wanted
from lapel.media.notices import ClipLost, Failed, Lost, Notice, PreEventSaved, Saved, Started
from lapel.media.recorder import Identity, Recorder
from lapel.recording import Account, Cause, GapNote
from lapel.worker import InlineWorker, ThreadWorker, Worker
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.storage import SimulatedStorage
from video_files import frame
from waited_clock import WaitedClock

T = TypeVar("T")

PRESS, STOP = Cause("button", "pressed"), Cause("command", "enough", "c-1")
IDENTITY = Identity("demo", "baltimore", "cam-0001", "Lapel", "session-1", "0.1.0", "America/New_York")


class StillClock:
    def mono_s(self) -> float:
        return 0.0

    def now(self) -> Instant:
        return instant(0.0)

    def is_trusted(self) -> bool:
        return True

    def quality(self) -> Quality:
        return "synced"

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"the recorder has no reason to sleep {seconds} s")


class HeldWorker:
    """Runs its jobs only when a test lets it: a disk that takes as long as one likes."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(0)

    async def run(self, job: Callable[[], T]) -> T:
        await self._gate.acquire()
        return job()

    async def let(self, jobs: int) -> None:
        for _ in range(jobs):
            self._gate.release()
            await turns()


async def turns() -> None:
    """Let every task do what it can."""
    for _ in range(10):
        await asyncio.sleep(0)


class Bench:
    """A recorder on a simulated card, and the notices it sent."""

    def __init__(
        self,
        worker: Worker | None = None,
        *,
        storage: Storage | None = None,
        max_clip_s: float = 1000.0,
        unwritten_max_bytes: int = 10**9,
    ) -> None:
        self.memory = MemoryStorage()
        self.card = SimulatedStorage(self.memory)
        self.sent: list[Notice] = []
        ids = count(1)
        self.recorder = Recorder(
            storage or self.card,
            worker or InlineWorker(),
            StillClock(),
            identity=IDENTITY,
            new_id=lambda: f"clip-{next(ids)}",
            max_clip_s=max_clip_s,
            unwritten_max_bytes=unwritten_max_bytes,
            notify=self.sent.append,
        )

    def begin(
        self,
        before: Sequence[Fragment] = (),
        trigger_s: float = 0.0,
        asked_s: float = 0.0,
        shortfall: str | None = None,
        why_short: str | None = None,
    ) -> Recording:
        pre_event = PreEvent(before, asked_s, shortfall)
        return self.recorder.begin(PRESS, instant(trigger_s), pre_event, why_short=why_short)

    async def finished(self, recording: Recording) -> Account:
        """End it, wait, and return the account of its last clip."""
        recording.end(STOP)
        await self.recorder.settled()
        return self.memory.listing()[-1]

    def notices(self, kind: type[T]) -> list[T]:
        return [notice for notice in self.sent if isinstance(notice, kind)]

    def kinds(self) -> list[str]:
        return [type(notice).__name__ for notice in self.sent]

    def numbers(self, clip: str = "clip-1") -> list[int]:
        return [int(media) for media in media_in(self.memory.video(clip))]


def numbered(number: int, *args: float, **more: object) -> Fragment:
    return fragment(number, *args, media=b"%d" % number, **more)  # type: ignore[arg-type]


def open_files(folder: Path) -> list[str]:
    """Names of the files below `folder` that this process has open."""
    targets = [Path(os.path.realpath(f"/proc/self/fd/{number}")) for number in os.listdir("/proc/self/fd")]
    return sorted(target.name for target in targets if folder.resolve() in target.parents)


def some(*numbers: int) -> list[Fragment]:
    return [numbered(number) for number in numbers]


@pytest.fixture(autouse=True)
async def no_task_is_left_behind() -> AsyncIterator[None]:
    yield
    left = [task for task in asyncio.all_tasks() if task.get_name().startswith("recording")]
    assert left == []


# -- joining ---------------------------------------------------------------------------------------------------------


async def test_pre_event_and_live_parts_join_and_time_starts_at_zero() -> None:
    bench = Bench()
    recording = bench.begin(some(4, 5, 6), trigger_s=6.5, asked_s=3.0)
    recording.add(numbered(7, 6.0, 0.5, 5))
    recording.pre_event_complete()
    recording.add(numbered(8, 6.5))
    account = await bench.finished(recording)
    video = bench.memory.video("clip-1")
    assert video.startswith(HEADER)
    assert bench.numbers() == [4, 5, 6, 7, 8]
    placed = [one for one in boxes.boxes(video) if one.kind == b"moof"]
    starts = [boxes.start_ticks(video[one.payload - 8 : one.end]) for one in placed]
    assert starts == [0, 90_000, 180_000, 270_000, 315_000]
    assert (account.status, account.stop, account.start) == ("complete", STOP, PRESS)
    assert account.start_time == "2026-11-24T07:00:03.000Z"
    assert account.trigger_time == "2026-11-24T07:00:06.500Z"
    assert account.end_time == "2026-11-24T07:00:07.500Z"
    assert (account.duration_s, account.frames, account.fragments) == (4.5, 45, 5)
    assert account.video_bytes == len(video)
    assert (account.prebuffer_configured_s, account.prebuffer_actual_s) == (3.0, 3.5)
    assert account.prebuffer_shortfall is None
    assert account.prebuffer_saved


async def test_the_account_names_its_camera() -> None:
    bench = Bench()
    account = await bench.finished(bench.begin(some(1)))
    assert (account.agency, account.site, account.camera) == ("demo", "baltimore", "cam-0001")
    assert (account.session, account.firmware, account.clock_quality) == ("session-1", "0.1.0", "synced")


async def test_notices_come_in_the_order_of_what_is_safe() -> None:
    bench = Bench()
    recording = bench.begin(some(1, 2), trigger_s=2.0, asked_s=2.0)
    assert bench.sent == []
    recording.pre_event_complete()
    recording.add(numbered(3))
    account = await bench.finished(recording)
    assert bench.sent == [Started(recording), PreEventSaved(recording, 2.0, 2.0, None), Saved(account)]


async def test_the_first_fragment_goes_to_disk_alone_and_the_rest_in_one_write() -> None:
    bench = Bench()
    await bench.finished(bench.begin(some(*range(1, 31)), trigger_s=30.0))
    appended = [deed.size_bytes for deed in bench.card.history if deed.what == "append"]
    one = len(numbered(1).body)
    assert appended[0] == len(HEADER) + one
    assert len(appended) == 2


async def test_writes_are_bounded() -> None:
    bench = Bench()
    heavy = [fragment(number, media=bytes(3_000_000)) for number in range(1, 9)]
    await bench.finished(bench.begin(heavy, trigger_s=8.0))
    appended = [deed.size_bytes // 3_000_000 for deed in bench.card.history if deed.what == "append"]
    assert appended == [1, 3, 3, 1]


async def test_the_account_is_rewritten_at_milestones_and_not_for_each_fragment() -> None:
    bench = Bench()
    recording = bench.begin(some(1), trigger_s=1.0)
    recording.pre_event_complete()
    for number in range(2, 20):
        recording.add(numbered(number))
        await turns()
    await bench.finished(recording)
    deeds = [deed.what for deed in bench.card.history if deed.what != "append"]
    assert deeds == ["create", "describe", "describe"]


async def test_a_fragment_is_never_written_twice() -> None:
    bench = Bench()
    recording = bench.begin(some(1, 2), trigger_s=2.0)
    for number in (2, 3, 3, 1):
        recording.add(numbered(number))
    account = await bench.finished(recording)
    assert bench.numbers() == [1, 2, 3]
    assert account.gaps == []


async def test_a_jump_in_the_numbers_is_a_gap_and_is_reported() -> None:
    bench = Bench()
    recording = bench.begin(some(1, 2), trigger_s=2.0)
    recording.add(numbered(5))
    account = await bench.finished(recording)
    reason = "2 fragment(s) never reached the recorder"
    assert account.gaps == [GapNote(2.0, 2.0, reason)]
    assert bench.notices(Lost) == [Lost(recording, 0, 2.0, reason)]
    assert account.duration_s == 5.0


async def test_a_gap_keeps_its_true_length() -> None:
    bench = Bench()
    recording = bench.begin(some(1), trigger_s=1.0)
    recording.add(numbered(2, 4.5, gap_before=Gap(3.5, "source lost"), dropped_frames=3))
    account = await bench.finished(recording)
    assert account.gaps == [GapNote(1.0, 3.5, "source lost")]
    assert (account.duration_s, account.dropped_frames) == (5.5, 3)
    assert boxes.extent(io.BytesIO(bench.memory.video("clip-1"))).end_ticks == 5.5 * 90_000


async def test_sound_of_a_gap_in_the_video_counts_where_the_microphone_is_lost_before_the_video_returns() -> None:
    """The source is lost from 1 to 4 s, the microphone from 3 s on."""
    bench = Bench()
    recording = bench.begin([with_sound(numbered(1), aac_frames(0, 1))])
    after = numbered(2, 4.0, gap_before=Gap(3.0, "source lost"))
    recording.add(with_sound(after, aac_frames(1, 3), lost="unplugged"))
    account = await bench.finished(recording)
    (gap,) = account.audio_gaps
    assert (round(gap.start_s, 1), round(gap.duration_s, 1), gap.reason) == (3.0, 2.0, "unplugged")


async def test_what_was_lost_before_the_first_picture_is_no_gap_in_the_clip() -> None:
    bench = Bench()
    account = await bench.finished(bench.begin([numbered(3, gap_before=Gap(9.0, "source lost"), dropped_frames=5)]))
    assert (account.gaps, account.dropped_frames) == ([], 0)


async def test_a_recording_without_a_picture_ends_without_a_video() -> None:
    bench = Bench()
    recording = bench.begin(asked_s=30.0, why_short="the source delivers nothing")
    account = await bench.finished(recording)
    assert (account.status, account.fragments, account.start_time, account.end_time) == ("complete", 0, None, None)
    assert account.prebuffer_shortfall == "the source delivers nothing; no frames from before the trigger"
    assert bench.kinds() == ["PreEventSaved", "Saved"]


async def test_fragments_after_the_end_are_not_of_this_recording() -> None:
    bench = Bench()
    recording = bench.begin(some(1))
    recording.end(STOP)
    recording.add(numbered(2))
    recording.mark(instant(1.0))
    recording.end(PRESS)
    await bench.recorder.settled()
    assert bench.numbers() == [1]
    assert bench.memory.listing()[0].stop == STOP


async def test_the_next_recording_may_begin_while_the_last_is_still_drained() -> None:
    worker = HeldWorker()
    bench = Bench(worker)
    first = bench.begin(some(1, 2), trigger_s=2.0)
    first.end(STOP)
    second = bench.begin(some(2, 3), trigger_s=3.0)
    second.end(STOP)
    settled = asyncio.create_task(bench.recorder.settled())
    await worker.let(30)
    await settled
    assert (bench.numbers("clip-1"), bench.numbers("clip-2")) == ([1, 2], [2, 3])


async def test_settled_waits_for_what_was_ended_and_not_for_what_goes_on() -> None:
    bench = Bench()
    going_on = bench.begin(some(1))
    await bench.recorder.settled()
    assert bench.notices(Saved) == []
    await bench.finished(going_on)


async def test_a_clip_without_a_pre_event_part_starts_with_its_first_picture() -> None:
    bench = Bench()
    recording = bench.begin(trigger_s=0.5)
    recording.pre_event_complete()
    await turns()
    assert bench.memory.listing()[0].start_time is None
    recording.add(numbered(2, 1.25))
    await turns()
    assert bench.memory.listing()[0].start_time == "2026-11-24T07:00:01.250Z"
    await bench.finished(recording)


async def test_a_gap_is_written_down_before_the_end() -> None:
    bench = Bench()
    recording = bench.begin(some(1), trigger_s=1.0)
    await turns()
    recording.add(numbered(2, 3.0, gap_before=Gap(2.0, "source lost")))
    await turns()
    assert bench.memory.listing()[0].gaps == recording.account.gaps == [GapNote(1.0, 2.0, "source lost")]
    await bench.finished(recording)


async def test_on_a_real_folder_with_real_threads_every_file_is_whole_and_closed(tmp_path: Path) -> None:
    store, worker = EvidenceStore(tmp_path, min_free_bytes=0), ThreadWorker()
    bench = Bench(worker, storage=store, max_clip_s=3.0)
    recording = bench.begin(some(1, 2), trigger_s=2.0, asked_s=2.0)
    recording.pre_event_complete()
    for number in range(3, 9):
        recording.add(numbered(number))
    recording.end(STOP)
    await bench.recorder.settled()
    assert open_files(tmp_path) == [".lapel.lock"]
    accounts = store.listing()
    videos = [store.video(account.recording).read_bytes() for account in accounts]
    assert [[int(media) for media in media_in(video)] for video in videos] == [[1, 2, 3], [4, 5, 6], [7, 8]]
    assert [notice.account for notice in bench.notices(Saved)] == accounts
    assert store.recover() == []
    worker.close()
    store.close()


async def test_real_pictures_are_all_there_in_order_across_the_press_and_a_linked_clip() -> None:
    encoder = Encoder(EncoderSettings(rate_fps=10.0, bitrate_bps=200_000, codec="libx264", preset="ultrafast"))
    closed = [one for number in range(25) if (one := encoder.encode(frame(number, number / 10)))]
    at_the_press = encoder.cut()
    assert at_the_press is not None
    later = [one for number in range(25, 60) if (one := encoder.encode(frame(number, number / 10)))]
    bench = Bench(max_clip_s=3.0)
    recording = bench.begin(closed, trigger_s=2.46, asked_s=2.4)
    recording.add(at_the_press)
    recording.pre_event_complete()
    for one in later:
        recording.add(one)
    await bench.finished(recording)
    first, second = bench.memory.listing()
    assert (first.prebuffer_actual_s, first.duration_s, second.duration_s) == (2.46, 2.5, 3.0)
    assert video_files.numbers(bench.memory.video("clip-1")) == list(range(25))
    assert video_files.numbers(bench.memory.video("clip-2")) == list(range(25, 55))


async def test_a_file_that_changes_its_size_is_recorded_in_two_linked_clips(tmp_path: Path) -> None:
    clock = WaitedClock()
    parts = [
        video_files.write_video(tmp_path / "small.ts", range(25)),
        video_files.write_video(tmp_path / "large.ts", range(25, 50), size=(128, 96)),
    ]
    path = video_files.join(tmp_path / "both.ts", parts)
    source = open_source(str(path), clock, wait=clock.wait, wanted=Wanted(), loop=False, camera="cam-0001")
    encoder = Encoder(EncoderSettings(source.open().rate_fps, 200_000, codec="libx264", preset="ultrafast"))
    bench = Bench()
    recording = bench.begin()
    for closed in [*(encoder.encode(source.read()) for _ in range(50)), encoder.cut()]:
        if closed is not None:
            recording.add(closed)
    source.close()
    await bench.finished(recording)
    first, second = bench.memory.listing()
    assert (first.continued_by, second.continues) == ("clip-2", "clip-1")
    assert first.stop == Cause("camera", "the video changed its frame format")
    assert (first.duration_s, second.duration_s, first.gaps, second.gaps) == (2.5, 2.5, [], [])
    for clip, size, numbers in (("clip-1", (64, 32), range(25)), ("clip-2", (128, 96), range(25, 50))):
        assert video_files.size_of(bench.memory.video(clip)) == size
        assert video_files.numbers(bench.memory.video(clip)) == list(numbers)


# -- pre-event -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shortfall", "why_short", "recorded"),
    [
        ("buffering for 2.0 s only", None, "buffering for 2.0 s only"),
        (None, "asleep", "asleep"),
        ("buffering for 2.0 s only", "asleep", "buffering for 2.0 s only; asleep"),
        (None, None, "the pre-event buffer held no more"),
    ],
)
async def test_a_short_pre_event_part_has_its_reason(
    shortfall: str | None, why_short: str | None, recorded: str
) -> None:
    bench = Bench()
    recording = bench.begin(some(1, 2), trigger_s=2.0, asked_s=30.0, shortfall=shortfall, why_short=why_short)
    account = await bench.finished(recording)
    assert (account.prebuffer_actual_s, account.prebuffer_shortfall) == (2.0, recorded)
    assert bench.notices(PreEventSaved) == [PreEventSaved(recording, 2.0, 30.0, recorded)]


async def test_an_excuse_that_was_not_needed_is_not_given() -> None:
    bench = Bench()
    recording = bench.begin(some(1, 2), trigger_s=2.05, asked_s=2.1, shortfall="closed fragments reach back 2.0 s")
    recording.add(numbered(3, 2.0, 0.1, 1))
    assert (await bench.finished(recording)).prebuffer_shortfall is None


async def test_gaps_are_not_counted_as_pictures_from_before() -> None:
    bench = Bench()
    before = [numbered(1), numbered(2, 4.0, gap_before=Gap(3.0, "source lost"))]
    account = await bench.finished(bench.begin(before, trigger_s=5.0, asked_s=5.0))
    assert (account.prebuffer_actual_s, account.prebuffer_shortfall) == (2.0, "3.0 s: source lost")


async def test_a_gap_right_before_the_trigger_is_reported_with_its_reason_once_known() -> None:
    bench = Bench()
    recording = bench.begin(some(1, 2), trigger_s=6.0, asked_s=6.0)
    recording.pre_event_complete()
    await turns()
    (saved,) = bench.notices(PreEventSaved)
    assert saved.shortfall == "no frames in the last 4.0 s before the trigger"
    recording.add(numbered(3, 9.0, gap_before=Gap(7.0, "source lost")))
    account = await bench.finished(recording)
    assert account.prebuffer_shortfall == "7.0 s: source lost"


async def test_a_step_of_the_wall_clock_does_not_tear_the_account() -> None:
    """The frames' time stamps are from before the clock was set forward by an hour, the trigger's from after."""
    bench = Bench()
    trigger = Instant(2.0, instant(3602.0).utc)
    recording = bench.recorder.begin(PRESS, trigger, PreEvent(some(1, 2), 2.0, None))
    account = await bench.finished(recording)
    assert account.start_time == "2026-11-24T08:00:00.000Z"
    assert account.end_time == account.trigger_time == "2026-11-24T08:00:02.000Z"


# -- markers ---------------------------------------------------------------------------------------------------------


async def test_markers_are_on_the_clips_time_line_and_are_written_at_once() -> None:
    bench = Bench()
    recording = bench.begin(some(3), trigger_s=3.0)
    recording.pre_event_complete()
    await turns()
    recording.mark(instant(3.25))
    await turns()
    assert bench.memory.listing()[0].markers_s == [1.25]
    recording.add(numbered(4))
    recording.mark(instant(99.0))
    account = await bench.finished(recording)
    assert account.markers_s == [1.25, 2.0]


async def test_a_marker_goes_to_the_clip_that_it_lies_in() -> None:
    bench = Bench(max_clip_s=2.0)
    recording = bench.begin(some(1, 2), trigger_s=2.0)
    recording.mark(instant(1.5))
    recording.mark(instant(2.5))
    recording.add(numbered(3))
    await bench.finished(recording)
    assert [account.markers_s for account in bench.memory.listing()] == [[1.5], [0.5]]


async def test_a_marker_of_a_recording_without_any_picture_is_kept() -> None:
    bench = Bench()
    recording = bench.begin()
    recording.mark(instant(1.5))
    account = await bench.finished(recording)
    assert (account.frames, account.markers_s) == (0, [0.0])


# -- linked clips ----------------------------------------------------------------------------------------------------


async def test_a_long_recording_goes_on_in_linked_clips() -> None:
    bench = Bench(max_clip_s=2.0)
    recording = bench.begin(some(1), trigger_s=1.0, asked_s=1.0)
    for number in range(2, 6):
        recording.add(numbered(number))
    await turns()
    assert bench.memory.listing()[-1].prebuffer_saved is False
    recording.pre_event_complete()
    recording.add(numbered(6))
    recording.add(numbered(7))
    await turns()
    assert bench.memory.listing()[-1].prebuffer_saved is True
    await bench.finished(recording)
    accounts = bench.memory.listing()
    assert [bench.numbers(account.recording) for account in accounts] == [[1, 2], [3, 4], [5, 6], [7]]
    assert [account.continues for account in accounts] == [None, "clip-1", "clip-2", "clip-3"]
    assert [account.continued_by for account in accounts] == ["clip-2", "clip-3", "clip-4", None]
    assert [account.start_time and account.start_time[17:19] for account in accounts] == ["00", "02", "04", "06"]
    assert [account.stop and account.stop.reason for account in accounts] == [
        "a clip lasts 2 s at most",
        "a clip lasts 2 s at most",
        "a clip lasts 2 s at most",
        "enough",
    ]
    assert [account.prebuffer_configured_s for account in accounts] == [1.0, 0.0, 0.0, 0.0]
    assert all(account.prebuffer_saved and account.status == "complete" for account in accounts)
    assert bench.kinds() == ["Started", "Saved", "Saved", "PreEventSaved", "Saved", "Saved"]


async def test_a_change_of_the_source_begins_a_linked_clip_with_its_own_header() -> None:
    bench = Bench()
    other = HEADER + b"\0\0\0\x08free"
    recording = bench.begin(some(1), trigger_s=1.0)
    recording.add(numbered(2, 3.0, header=other, gap_before=Gap(2.0, "source lost"), dropped_frames=4))
    await bench.finished(recording)
    first, second = bench.memory.listing()
    assert bench.memory.video("clip-2").startswith(other)
    assert (first.gaps, first.dropped_frames) == ([GapNote(1.0, 2.0, "source lost")], 4)
    assert (second.gaps, second.dropped_frames) == ([], 0)
    assert first.stop == Cause("camera", "the video changed its frame format")


async def test_a_pre_event_part_that_is_split_is_short_in_no_clip_without_a_reason() -> None:
    bench = Bench()
    other = HEADER + b"\0\0\0\x08free"
    before = [numbered(1), numbered(2), numbered(3, header=other), numbered(4, header=other)]
    recording = bench.begin(before, trigger_s=4.0, asked_s=5.0, shortfall="buffering for 4.0 s only")
    await bench.finished(recording)
    first, second = bench.memory.listing()
    assert (first.prebuffer_configured_s, first.prebuffer_actual_s) == (5.0, 2.0)
    assert first.prebuffer_shortfall is not None
    assert "goes on in clip-2" in first.prebuffer_shortfall
    assert (second.prebuffer_configured_s, second.prebuffer_actual_s) == (3.0, 2.0)
    assert second.prebuffer_shortfall == "buffering for 4.0 s only"
    assert bench.notices(PreEventSaved) == [PreEventSaved(recording, 4.0, 5.0, "buffering for 4.0 s only")]


# -- a slow disk -----------------------------------------------------------------------------------------------------


async def test_a_slow_disk_loses_nothing_while_memory_lasts() -> None:
    worker = HeldWorker()
    bench = Bench(worker)
    recording = bench.begin(some(1), trigger_s=1.0)
    for number in range(2, 100):
        recording.add(numbered(number))
    recording.end(STOP)
    await worker.let(20)
    assert bench.numbers() == list(range(1, 100))
    assert bench.notices(Lost) == []


async def test_what_does_not_fit_in_memory_is_lost_aloud() -> None:
    worker = HeldWorker()
    size = len(numbered(1).body)
    bench = Bench(worker, unwritten_max_bytes=2 * size)
    recording = bench.begin(some(1, 2, 3), trigger_s=3.0)
    for number in (4, 5, 6, 7):
        recording.add(numbered(number))
    lost = [Lost(recording, 10, 1.0, "disk too slow")] * 2
    assert bench.sent == lost
    await worker.let(4)
    recording.add(numbered(8))
    recording.end(STOP)
    await worker.let(20)
    assert bench.numbers() == [1, 2, 3, 4, 5, 8]
    account = bench.memory.listing()[0]
    assert account.gaps == [GapNote(5.0, 2.0, "disk too slow")]
    assert (account.dropped_frames, account.duration_s) == (20, 8.0)


async def test_a_loss_at_the_end_is_written_down_too() -> None:
    worker = HeldWorker()
    bench = Bench(worker, unwritten_max_bytes=0)
    recording = bench.begin(some(1), trigger_s=1.0)
    recording.add(numbered(2))
    recording.end(STOP)
    await worker.let(20)
    account = bench.memory.listing()[0]
    assert account.gaps == [GapNote(1.0, 1.0, "disk too slow")]
    assert (account.duration_s, account.dropped_frames) == (1.0, 10)


# -- a disk that fails -----------------------------------------------------------------------------------------------


async def test_a_recording_that_cannot_be_created_fails_at_once() -> None:
    bench = Bench()
    bench.card.read_only()
    recording = bench.begin(some(1, 2), trigger_s=2.0)
    await turns()
    (failed,) = bench.notices(Failed)
    assert "read-only" in str(failed.error)
    assert bench.notices(Lost) == [Lost(recording, 20, 2.0, "the disk failed")]
    assert recording.ended
    recording.add(numbered(3))
    recording.end(STOP)
    await bench.recorder.settled()
    assert bench.kinds() == ["Failed", "Lost"]
    assert bench.memory.listing() == []


async def test_a_disk_that_fails_later_is_reported_at_once_and_written_down_if_it_can_be() -> None:
    worker = HeldWorker()
    bench = Bench(worker)
    recording = bench.begin(some(1), trigger_s=1.0)
    recording.pre_event_complete()
    await worker.let(3)
    bench.card.fail_writes(OSError(errno.EIO, "failed"))
    recording.add(numbered(2))
    recording.add(numbered(3))
    await worker.let(1)
    assert bench.kinds() == ["Started", "PreEventSaved", "Failed", "Lost"]
    assert bench.notices(Lost) == [Lost(recording, 20, 2.0, "the disk failed")]
    bench.card.mend()
    await worker.let(5)
    (account,) = bench.memory.listing()
    assert account.status == "failed"
    assert account.stop is not None
    assert "the disk failed; check it" in account.stop.reason
    assert account.gaps == [GapNote(1.0, 2.0, "the disk failed")]
    assert (account.fragments, account.dropped_frames) == (1, 20)
    assert bench.numbers() == [1]


async def test_a_failed_account_is_written_once_the_disk_works_and_two_callers_do_not_collide() -> None:
    worker = HeldWorker()
    bench = Bench(worker)
    recording = bench.begin(some(1), trigger_s=1.0)
    recording.pre_event_complete()
    await worker.let(3)
    bench.card.fail_writes(OSError(errno.EIO, "failed"))
    recording.add(numbered(2))
    await worker.let(2)
    assert bench.memory.listing()[0].status == "recording"
    bench.card.mend()
    both = asyncio.gather(bench.recorder.save_failed(), bench.recorder.save_failed())
    await turns()
    await worker.let(4)
    await both
    (account,) = bench.memory.listing()
    assert account.status == "failed"


async def test_a_disk_that_stays_broken_leaves_the_rest_to_the_next_start() -> None:
    bench = Bench()
    recording = bench.begin(some(1), trigger_s=1.0)
    await turns()
    bench.card.fail_writes(OSError(errno.EIO, "failed"))
    recording.end(STOP)
    await bench.recorder.settled()
    assert bench.kinds() == ["Started", "Failed"]
    bench.card.mend()
    (found,) = bench.card.recover()
    assert (found.status, found.fragments) == ("interrupted", 1)


async def test_a_linked_clip_that_cannot_be_created_fails_the_recording() -> None:
    worker = HeldWorker()
    bench = Bench(worker, max_clip_s=1.0)
    recording = bench.begin(some(1), trigger_s=1.0)
    await worker.let(2)
    bench.card.fail_writes(OSError(errno.EIO, "failed"))
    recording.add(numbered(2))
    await worker.let(1)
    bench.card.mend()
    await worker.let(5)
    (account,) = bench.memory.listing()
    assert (account.status, account.continued_by, account.fragments) == ("failed", None, 1)


async def test_an_invalid_fragment_is_a_bug_that_is_reported_and_raised() -> None:
    bench = Bench()
    unmuxed = Fragment(1, instant(0.0), 0, 90_000, 10, HEADER, b"not a fragment")
    errors: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(str(context["exception"])))
    bench.begin([unmuxed])
    await turns()
    (failed,) = bench.notices(Failed)
    assert "cannot be written: " in str(failed.error)
    assert bench.notices(Lost)
    gc.collect()
    assert errors == ["no moof/mfhd box"]


# -- cancelling ------------------------------------------------------------------------------------------------------


async def test_cancelled_it_waits_for_the_write_under_way_and_closes_its_files(tmp_path: Path) -> None:
    syncing, may_sync = threading.Event(), threading.Event()

    def slow_sync(descriptor: int) -> None:
        syncing.set()
        assert may_sync.wait(60)
        os.fdatasync(descriptor)

    store, worker = EvidenceStore(tmp_path, min_free_bytes=0, sync=slow_sync), ThreadWorker()
    bench = Bench(worker, storage=store)
    bench.begin(some(1), trigger_s=1.0)
    await asyncio.to_thread(syncing.wait, 60)
    (drain,) = [task for task in asyncio.all_tasks() if task.get_name() == "recording clip-1"]
    drain.cancel()
    await asyncio.wait([drain], timeout=0.1)
    assert not drain.done()
    assert open_files(tmp_path) == [".lapel.lock", "video.mp4.part"]
    may_sync.set()
    await asyncio.wait([drain])
    assert drain.cancelled()
    assert open_files(tmp_path) == [".lapel.lock"]
    worker.close()
    (found,) = store.recover()
    assert (found.status, found.fragments, found.torn_bytes) == ("interrupted", 1, 0)
    store.close()


# -- others at the same files ----------------------------------------------------------------------------------------


async def recorded_with_a_loss(tmp_path: Path, lose: Callable[[Path], object], *, ends: bool) -> tuple[Bench, Path]:
    """Two fragments are written, the clip is lost, two more come unless the recording `ends` there."""
    store = EvidenceStore(tmp_path, 0)
    bench = Bench(storage=store)
    recording = bench.begin(some(1), trigger_s=1.0, asked_s=1.0)
    recording.pre_event_complete()
    recording.add(numbered(2))
    await turns()
    lose(tmp_path / "clip-1")
    if not ends:
        for number in (3, 4):
            recording.add(numbered(number))
            await turns()
    recording.end(STOP)
    await bench.recorder.settled()
    store.close()
    return bench, tmp_path


async def test_a_recording_whose_video_is_removed_goes_on_in_a_linked_clip(tmp_path: Path) -> None:
    bench, root = await recorded_with_a_loss(tmp_path, lambda clip: (clip / "video.mp4").unlink(), ends=False)
    first, second = EvidenceStore(root, 0).listing()
    assert (first.status, first.frames, first.duration_s, first.continued_by) == ("failed", 0, 0.0, "clip-2")
    assert first.stop is not None
    assert "video.mp4: was removed" in first.stop.reason
    assert (second.status, second.frames, second.continues) == ("complete", 20, "clip-1")
    assert [int(media) for media in media_in((root / "clip-2" / "video.mp4").read_bytes())] == [3, 4]
    assert [(lost.frames, lost.seconds) for lost in bench.notices(Lost)] == [(20, 2.0)]
    assert bench.kinds() == ["Started", "PreEventSaved", "ClipLost", "Lost", "Saved"]


async def test_what_is_left_of_a_truncated_video_is_accounted_for(tmp_path: Path) -> None:
    def truncate(clip: Path) -> None:
        os.truncate(clip / "video.mp4", (clip / "video.mp4").stat().st_size - 3)

    bench, root = await recorded_with_a_loss(tmp_path, truncate, ends=False)
    first, second = EvidenceStore(root, 0).listing()
    assert (first.status, first.fragments, first.frames, first.duration_s) == ("failed", 1, 10, 1.0)
    assert first.torn_bytes > 0
    assert (second.status, second.frames) == ("complete", 20)
    assert [(lost.frames, lost.seconds) for lost in bench.notices(Lost)] == [(10, 1.0)]


async def test_a_loss_that_is_noticed_at_the_end_is_never_complete(tmp_path: Path) -> None:
    bench, root = await recorded_with_a_loss(tmp_path, lambda clip: (clip / "video.mp4").unlink(), ends=True)
    (only,) = EvidenceStore(root, 0).listing()
    assert (only.status, only.frames, only.continued_by) == ("failed", 0, None)
    assert bench.kinds() == ["Started", "PreEventSaved", "ClipLost", "Lost"]


async def test_a_folder_that_is_deleted_leaves_its_loss_on_record(tmp_path: Path) -> None:
    bench, root = await recorded_with_a_loss(tmp_path, shutil.rmtree, ends=False)
    (second,) = EvidenceStore(root, 0).listing()
    assert (second.status, second.continues, second.frames) == ("complete", "clip-1", 20)
    (lost,) = bench.notices(ClipLost)
    assert lost.clip == "clip-1"
