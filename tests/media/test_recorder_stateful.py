"""Every interleaving of camera, wearer and disk that hypothesis can think of: the files and accounts stay exact."""

import asyncio
import errno
import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fragments import HEADER, fragment, instant, media_in
from lapel import mp4_boxes as boxes
from lapel.clock import Instant, Quality
from lapel.errors import StorageError
from lapel.fragment import TICKS_PER_S, Fragment, Gap
from lapel.hardware.interfaces import PreEvent
from lapel.media.active_recording import Recording
from lapel.media.notices import Failed, Lost, Notice, PreEventSaved, Saved, Started
from lapel.media.recorder import Identity, Recorder
from lapel.recording import Account, Cause
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.hardware.storage import SimulatedStorage

T = TypeVar("T")

HEADERS = [HEADER, HEADER + b"\0\0\0\x08free"]
TENTHS = st.integers(1, 20).map(lambda tenths: tenths / 10)


class StillClock:
    def mono_s(self) -> float:
        return 0.0

    def now(self) -> Instant:
        return instant(0.0)

    def is_trusted(self) -> bool:
        return True

    def quality(self) -> Quality:
        return "unsynced"

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing here sleeps {seconds} s")


class HeldWorker:
    """Runs a job only when it is let."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(0)

    async def run(self, job: Callable[[], T]) -> T:
        await self._gate.acquire()
        return job()

    def let_one(self) -> None:
        self._gate.release()


@dataclass
class Seen:
    """What a recording was given, and the notices it sent."""

    recorder: Recorder
    recording: Recording
    asked_s: float
    sent: list[Notice]
    given: list[Fragment]
    accepted: list[Fragment]
    marks: int = 0

    def notices(self, kind: type[T]) -> list[T]:
        return [notice for notice in self.sent if isinstance(notice, kind)]

    def lost_frames(self) -> int:
        return sum(notice.frames for notice in self.notices(Lost))


class RecorderMachine(RuleBasedStateMachine):
    @initialize(
        max_clip_s=st.sampled_from([2.0, 5.0, 1000.0]),
        unwritten_max_bytes=st.sampled_from([300, 1000, 10**6]),
        may_break=st.booleans(),
    )
    def power_on(self, max_clip_s: float, unwritten_max_bytes: int, may_break: bool) -> None:
        self.may_break = may_break
        self.loop = asyncio.new_event_loop()
        self.bugs: list[object] = []
        self.loop.set_exception_handler(lambda _, context: self.bugs.append(context))
        self.max_clip_s = max_clip_s
        self.memory = MemoryStorage()
        self.card = SimulatedStorage(self.memory)
        self.worker = HeldWorker()
        self.unwritten_max_bytes = unwritten_max_bytes
        self.ids = count(1)
        self.number = 0
        self.now_s = 0.0
        self.set: list[Fragment] = []
        self.seen: list[Seen] = []
        self.live: Seen | None = None

    # the camera

    @rule(duration_s=TENTHS, gap_s=st.sampled_from([0.0, 0.0, 0.0, 1.5, 7.0]), changed=st.sampled_from([0, 0, 0, 0, 1]))
    def capture(self, duration_s: float, gap_s: float, changed: int) -> None:
        """A GOP closes."""
        captured = self._captured(duration_s, gap_s, HEADERS[changed])
        if self.live is not None:
            self._give(self.live, captured)

    @rule()
    def capture_and_lose_the_way(self) -> None:
        """A GOP closes, and never reaches the recorder."""
        self._captured(1.0, 0.0, HEADER)

    @precondition(lambda self: self.live is not None and self.set)
    @rule()
    def give_the_last_one_again(self) -> None:
        assert self.live is not None
        self._give(self.live, self.set[-1])

    @precondition(lambda self: self.live is None)
    @rule(buffered=st.integers(0, 6), asked_s=st.sampled_from([0.0, 3.05, 30.05]))
    def press(self, buffered: int, asked_s: float) -> None:
        before = self.set[-buffered:] if buffered else []

        notices: list[Notice] = []
        recorder = self._recorder(notices.append)

        async def begin() -> Recording:
            return recorder.begin(Cause("button"), instant(self.now_s), PreEvent(before, asked_s, None))

        recording = self.loop.run_until_complete(begin())
        self.live = Seen(recorder, recording, asked_s, notices, [*before], [*before])
        self.seen.append(self.live)
        self._turns()

    @precondition(lambda self: self.live is not None)
    @rule()
    def complete_the_pre_event(self) -> None:
        assert self.live is not None
        self.live.recording.pre_event_complete()
        self._turns()

    @precondition(lambda self: self.live is not None)
    @rule()
    def mark(self) -> None:
        assert self.live is not None
        self.live.recording.mark(instant(self.now_s))
        self.live.marks += 1
        self._turns()

    @precondition(lambda self: self.live is not None)
    @rule()
    def stop(self) -> None:
        assert self.live is not None
        self.live.recording.end(Cause("button", "over"))
        self.live = None
        self._turns()

    # the disk

    @rule(jobs=st.integers(1, 4))
    def let_the_disk_work(self, jobs: int) -> None:
        for _ in range(jobs):
            self.worker.let_one()
            self._turns()

    @precondition(lambda self: self.may_break)
    @rule()
    def break_the_disk(self) -> None:
        self.card.fail_writes(OSError(errno.EIO, "failed"))

    @precondition(lambda self: self.may_break)
    @rule(room_bytes=st.integers(1, 1500))
    def fill_the_disk(self, room_bytes: int) -> None:
        self.card.fill(room_bytes)

    @precondition(lambda self: self.may_break)
    @rule()
    def mend_the_disk(self) -> None:
        self.card.mend()
        self.card.make_room()

    # what must hold

    def teardown(self) -> None:
        if self.live is not None:
            self.stop()
        settled = [self.loop.create_task(seen.recorder.settled()) for seen in self.seen]
        while not all(task.done() for task in settled):
            self.let_the_disk_work(1)
        left = asyncio.all_tasks(self.loop)
        self.loop.close()
        assert not left
        assert not self.bugs
        accounts = {account.recording: account for account in self.memory.listing()}
        for seen in self.seen:
            self._judge(seen, _chain(accounts, seen.recording.id))

    def _judge(self, seen: Seen, clips: list[Account]) -> None:
        on_disk = [number for clip in clips for number in self._numbers(clip)]
        accepted = [one.number for one in seen.accepted]
        if seen.notices(Failed):
            assert on_disk == accepted[: len(on_disk)]
            assert 10 * len(on_disk) + seen.lost_frames() >= 10 * len(seen.given)
        else:
            assert on_disk == accepted
            assert 10 * len(on_disk) + seen.lost_frames() == 10 * len(seen.given)
            assert sum(clip.dropped_frames for clip in clips) == seen.lost_frames()
            assert sum(len(clip.markers_s) for clip in clips) == seen.marks
            self._judge_notices(seen, clips)
        event(f"{len(clips)} clips, {'failed' if seen.notices(Failed) else 'saved'}")
        event("slow" if any(_reason(n) == "disk too slow" for n in seen.sent) else "fast")
        for clip in clips:
            if clip.status == "complete":
                self._judge_clip(clip, seen)

    def _judge_notices(self, seen: Seen, clips: list[Account]) -> None:
        assert len(seen.notices(Started)) == bool(seen.accepted)
        assert [notice.account for notice in seen.notices(Saved)] == clips
        (saved,) = seen.notices(PreEventSaved)
        assert saved.configured_s == seen.asked_s
        assert (saved.shortfall is None) == (saved.actual_s + 0.1 >= saved.configured_s)

    def _judge_clip(self, clip: Account, seen: Seen) -> None:
        numbers = self._numbers(clip)
        there = [one for one in seen.given if one.number in numbers]
        video = self._video(clip)
        found = boxes.extent(io.BytesIO(video))
        assert (clip.fragments, clip.frames, clip.video_bytes) == (found.fragments, found.frames, found.whole_bytes)
        assert (clip.torn_bytes, found.torn_bytes) == (0, 0)
        assert clip.duration_s == round(found.end_ticks / TICKS_PER_S, 3)
        assert _starts(video) == [one.start_ticks - there[0].start_ticks for one in there]
        assert clip.duration_s <= self.max_clip_s or len(there) == 1
        assert len({one.header for one in there}) <= 1
        gaps_s = sum(gap.duration_s for gap in clip.gaps if gap.start_s < clip.duration_s - 0.01)
        assert abs(sum(one.duration_s for one in there) + gaps_s - clip.duration_s) < 0.01
        assert (clip.prebuffer_shortfall is None) == (clip.prebuffer_actual_s + 0.1 >= clip.prebuffer_configured_s)
        assert all(0.0 <= marker <= clip.duration_s for marker in clip.markers_s)

    def _numbers(self, clip: Account) -> list[int]:
        return [int.from_bytes(media[:4], "big") for media in media_in(self._video(clip))]

    def _video(self, clip: Account) -> bytes:
        try:
            return self.memory.video(clip.recording)
        except StorageError:
            return b""

    def _recorder(self, notify: Callable[[Notice], None]) -> Recorder:
        return Recorder(
            self.card,
            self.worker,
            StillClock(),
            identity=Identity("demo", "baltimore", "cam-0001", "Lapel", "session-1", "0.1.0", "America/New_York"),
            new_id=lambda: f"clip-{next(self.ids)}",
            max_clip_s=self.max_clip_s,
            unwritten_max_bytes=self.unwritten_max_bytes,
            notify=notify,
        )

    def _captured(self, duration_s: float, gap_s: float, header: bytes) -> Fragment:
        self.number += 1
        start_s = self.now_s + gap_s
        captured = fragment(
            self.number,
            start_s,
            duration_s,
            media=self.number.to_bytes(4, "big") + bytes(self.number % 7 * 20),
            header=header,
            gap_before=Gap(gap_s, "source lost") if gap_s else None,
        )
        self.now_s = start_s + duration_s
        self.set.append(captured)
        return captured

    def _give(self, seen: Seen, captured: Fragment) -> None:
        if seen.recording.ended:
            return
        notices_before = len(seen.sent)
        seen.recording.add(captured)
        if captured not in seen.given:
            seen.given.append(captured)
            if all(_reason(notice) != "disk too slow" for notice in seen.sent[notices_before:]):
                seen.accepted.append(captured)
        self._turns()

    def _turns(self) -> None:
        async def turns() -> None:
            for _ in range(12):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())


def _reason(notice: Notice) -> str:
    return notice.reason if isinstance(notice, Lost) else ""


def _chain(accounts: dict[str, Account], first: str) -> list[Account]:
    """The clips of one activation, by their links."""
    clips = [accounts[first]] if first in accounts else []
    while clips and (found := [one for one in accounts.values() if one.continues == clips[-1].recording]):
        assert clips[-1].continued_by == found[0].recording or clips[-1].status != "complete"
        clips.append(found[0])
    return clips


def _starts(video: bytes) -> list[int]:
    moofs = [one for one in boxes.boxes(video) if one.kind == b"moof"]
    return [boxes.start_ticks(video[one.payload - 8 : one.end]) for one in moofs]


TestRecorder = RecorderMachine.TestCase
TestRecorder.settings = settings(
    max_examples=300,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
