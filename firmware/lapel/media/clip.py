"""One clip as it grows: the bytes that each fragment becomes, and the account of what is on disk. Does no I/O."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from lapel import mp4_boxes as boxes
from lapel.clock import Instant, iso
from lapel.fragment import TICKS_PER_S, ClipFragment, Fragment, Gap
from lapel.hardware.interfaces import RecordingFiles
from lapel.media.mute_notes import Mute, mute_notes
from lapel.media.position_trail import PositionTrail, Surroundings
from lapel.mp4_boxes import Extent
from lapel.recording import Account, Cause, GapNote, MuteNote, Status, note_of

_NO_SOUND = "the microphone delivered no sound"
_SOUND_TOLERANCE_S = 0.1
"""Sound that is missing for less than this (five frames of AAC) is no gap."""
_PARTS_MAX = 48
"""Sequence numbers for each fragment of a file with sound: a third for sound before it, for video, and for sound."""
_FRAME_TICKS = 2_000
"""Rather more than a frame of AAC at 48 kHz."""
_SHORTFALL_TOLERANCE_S = 0.1
"""A pre-event part that is shorter than configured by less than this (three frames at 30 fps) counts as complete."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Where fragments should stand and will not: how long, how many frames, and why."""

    start_ticks: int
    duration_ticks: int
    frames: int
    reason: str
    gap_before: Gap | None = None
    """What the camera could not capture just before the first of them."""
    dropped_before: int = 0

    @classmethod
    def of(cls, fragment: Fragment, reason: str) -> "Missing":
        """`fragment` itself is what is missing; its bytes are let go."""
        return cls(
            fragment.start_ticks,
            fragment.duration_ticks,
            fragment.frames,
            reason,
            fragment.gap_before,
            fragment.dropped_frames,
        )

    @property
    def seconds(self) -> float:
        """Length of what is missing."""
        return self.duration_ticks / TICKS_PER_S


@dataclass(frozen=True, slots=True)
class Placed:
    """A fragment and its place in a clip."""

    fragment: Fragment
    sequence: int
    """Counts from 1; the first one brings the file's header."""
    start_ticks: int

    @property
    def size_bytes(self) -> int:
        """What it adds to the file."""
        return sum(map(len, self._parts())) + (len(self.fragment.header) if self.sequence == 1 else 0)

    @property
    def has_sound(self) -> bool:
        """Whether sound is written with it, if only that of a gap in the video before it."""
        return bool(self.fragment.sound or (self.sequence > 1 and self.fragment.sound_before))

    def for_storage(self) -> ClipFragment:
        """The fragment as the clip's files take it."""
        fragment = self.fragment
        return ClipFragment(
            number=self.sequence,
            start_ticks=self.start_ticks,
            duration_ticks=fragment.duration_ticks,
            frames=fragment.frames,
            captured=fragment.start,
            chunks=self._chunks(),
            dropped_frames=fragment.dropped_frames if self.sequence > 1 else 0,
            has_sound=self.has_sound,
        )

    def _chunks(self) -> list[bytes | bytearray]:
        header = self.fragment.header
        number = self.sequence if len(boxes.timescales(header)) == 1 else _PARTS_MAX * (self.sequence - 1) + 1
        chunks: list[bytes | bytearray] = [header] if self.sequence == 1 else []
        for part in self._parts():
            chunks.append(self._placed(part, number))
            number += _PARTS_MAX // 3
        return chunks

    def _parts(self) -> list[bytes]:
        """The sound of a gap in the video, the video, its sound: what there is of these. A clip begins with video, and
        with silence where it has a sound track and no sound yet.
        """
        fragment = self.fragment
        parts = (fragment.sound_before, fragment.body, fragment.sound)
        if self.sequence == 1:
            sound_is_late = not fragment.sound or fragment.sound_spans[0][0] - fragment.start_ticks > _FRAME_TICKS
            parts = (fragment.body, fragment.silence if sound_is_late else b"", fragment.sound)
        return [part for part in parts if part]

    def _placed(self, part: bytes, number: int) -> bytearray:
        """A part with its sequence number, at its time in the clip."""
        fragment = self.fragment
        if part is fragment.body:
            return boxes.placed(part, number, self.start_ticks)
        shift_ticks = 0 if part is fragment.silence else self.start_ticks - fragment.start_ticks
        return boxes.moved(part, number, round(shift_ticks * boxes.timescales(fragment.header)[1] / TICKS_PER_S))


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker that was set."""

    mono_s: float
    label: str


class Clip:
    """A clip's files and account. Fragments are first placed, then written, and only then accounted for."""

    def __init__(
        self,
        account: Account,
        trigger: Instant,
        shortfall_reasons: Sequence[str],
        markers: Sequence[Mark],
        mutes: Sequence[Mute],
        files: RecordingFiles,
    ) -> None:
        """`shortfall_reasons`: why less than configured may come from before the trigger. `markers`: a list that may
        grow; so may `mutes`.
        """
        self.account = account
        self.files = files
        self.has_news = bool(markers or mutes)
        """Whether `recording.json` is out of date; plain growth is no news."""
        self._trigger = trigger
        self._shortfall_reasons = [*shortfall_reasons]
        self._markers, self._mutes = markers, mutes
        self._first: Fragment | None = None
        self._next_start_s = math.inf
        self._placed = 0
        self._trail = PositionTrail()
        self._before_trigger_s = 0.0
        self._sound_to_s: float | None = None

    def refusal(self, fragment: Fragment, max_clip_s: float) -> str | None:
        """Why `fragment` cannot stand in this clip; None when it can, as any can while the clip is empty."""
        if self._first is None:
            return None
        if fragment.header != self._first.header:
            return "the video changed its frame format"
        length_ticks = fragment.start_ticks + fragment.duration_ticks - self._first.start_ticks
        return f"a clip lasts {max_clip_s:g} s at most" if length_ticks > max_clip_s * TICKS_PER_S else None

    def place(self, fragment: Fragment) -> Placed:
        """Give `fragment` the next place: time starts at 0 with the first, and gaps keep their length."""
        self._first = self._first or fragment
        self._placed += 1
        return Placed(fragment, self._placed, fragment.start_ticks - self._first.start_ticks)

    def wrote(self, placed: Placed) -> None:
        """`placed` is on disk."""
        fragment, account = placed.fragment, self.account
        if placed.sequence == 1:
            self.has_news |= account.start_time is None
            account.start_time = utc_of(fragment, self._trigger)
        else:
            self.left_out(fragment.gap_before, fragment.start_ticks, fragment.dropped_frames)
        self._account_for_sound(placed)
        account.fragments += 1
        account.frames += fragment.frames
        if account.copied:
            account.longest_gop_s = max(account.longest_gop_s, round(fragment.duration_s, 3))
        account.video_bytes += placed.size_bytes
        account.duration_s = _seconds(placed.start_ticks + fragment.duration_ticks)
        self._before_trigger_s += max(0.0, min(fragment.end_mono_s, self._trigger.mono_s) - fragment.start.mono_s)
        account.prebuffer_actual_s = round(self._before_trigger_s, 3)

    def is_position_due(self) -> bool:
        """Whether the position belongs into the account again."""
        return self._first is not None and self._trail.is_due(self._first.start.mono_s + self.account.duration_s)

    def pass_by(self, here: Surroundings) -> None:
        """Add the position to the trail."""
        point = self._trail.point(here, self._first.start.mono_s) if self._first is not None else None
        if point is not None:
            self.account.positions = [*self.account.positions, point]
            self.has_news |= self._trail.is_news

    def _account_for_sound(self, placed: Placed) -> None:
        """Note where sound was promised and is missing: from the trigger on, or from the start with sound before it."""
        fragment, account = placed.fragment, self.account
        account.audio = account.audio or bool(fragment.silence)  # a stream may have begun after the recording
        if not account.audio:
            return
        spans = fragment.sound_spans if placed.has_sound else ()
        expected_s = self._sound_to_s
        if expected_s is None:
            expected_s = 0.0 if account.audio_in_prebuffer else max(0.0, self._trigger_s())
        for start_ticks, end_ticks in spans:
            start_s, end_s = self._position_s(start_ticks), self._position_s(end_ticks)
            self._note_silence(expected_s, start_s, fragment.sound_lost)
            expected_s = max(expected_s, end_s)
        end_s = self._position_s(fragment.start_ticks + fragment.duration_ticks)
        if end_s - expected_s > _SOUND_TOLERANCE_S and end_s > expected_s:
            self._note_silence(expected_s, end_s, fragment.sound_lost)
            expected_s = end_s
        self._sound_to_s = expected_s

    def _note_silence(self, from_s: float, to_s: float, lost: str | None) -> None:
        if to_s - from_s <= _SOUND_TOLERANCE_S:
            return
        note = GapNote(round(from_s, 3), round(to_s - from_s, 3), lost or _NO_SOUND)
        earlier, last = self.account.audio_gaps[:-1], self.account.audio_gaps[-1:]
        if last and _meet(last[0], note) and (lost is None or lost == last[0].reason):  # it ends, so no reason is left
            note, last = GapNote(last[0].start_s, round(last[0].duration_s + note.duration_s, 3), last[0].reason), []
        self.account.audio_gaps = [*earlier, *last, note]
        self.has_news = True

    def _trigger_s(self) -> float:
        """The trigger on the clip's own time line."""
        return self._trigger.mono_s - self._first.start.mono_s if self._first is not None else 0.0

    def missed(self, missing: Missing) -> None:
        """Record fragments that will not be in this clip."""
        self.left_out(missing.gap_before, missing.start_ticks, missing.dropped_before)
        self.account.dropped_frames += missing.frames
        self._note(note_of(Gap(missing.seconds, missing.reason), self._position_s(missing.start_ticks)))

    def left_out(self, gap: Gap | None, until_ticks: int, dropped_frames: int) -> None:
        """Record what the camera could not capture or encode, up to a moment of the camera's time line."""
        self.account.dropped_frames += dropped_frames
        if gap is not None:
            self._note(note_of(gap, self._position_s(until_ticks) - gap.duration_s))

    def pre_event_is_saved(self) -> None:
        """Everything from before the trigger that belongs here is on disk."""
        self.account.prebuffer_saved = True
        self.account.prebuffer_shortfall = self._shortfall()

    def continued(self, recording: str, fragment: Fragment) -> None:
        """The clip `recording` goes on from here, with `fragment`."""
        self.account.continued_by = recording
        self.left_out(fragment.gap_before, fragment.start_ticks, fragment.dropped_frames)
        self._next_start_s = fragment.start.mono_s
        if fragment.start.mono_s < self._trigger.mono_s:
            self._shortfall_reasons.append(f"goes on in {recording}")

    def lost(self, left: Extent, reason: str) -> Missing:
        """The video is gone but for `left`. Returns what is missing, from the end of what is left."""
        account, kept_s = self.account, _seconds(left.end_ticks)
        missing = Missing(
            (self._first.start_ticks if self._first else 0) + left.end_ticks,
            round(max(0.0, account.duration_s - kept_s) * TICKS_PER_S),
            max(0, account.frames - left.frames),
            reason,
        )
        account.fragments, account.frames, account.video_bytes = left.fragments, left.frames, left.whole_bytes
        account.torn_bytes, account.duration_s = left.torn_bytes, kept_s
        account.gaps = [gap for gap in account.gaps if gap.start_s < kept_s]
        account.positions = [point for point in account.positions if point.at_s < kept_s]
        account.end_time, account.start_time = None, account.start_time if left.fragments else None
        self._before_trigger_s = min(self._before_trigger_s, kept_s)
        account.prebuffer_actual_s = round(self._before_trigger_s, 3)
        self._shortfall_reasons.append(reason)
        return missing

    def finish(self, status: Status, stop: Cause, surroundings: Surroundings, stopped: Instant | None = None) -> None:
        """No more fragments come; `surroundings` are those of the end. `stopped`: when it was to end."""
        account = self.account
        account.clock_quality_end, account.position_end = surroundings.clock_quality, surroundings.position
        account.status, account.stop = status, stop
        account.prebuffer_saved = account.prebuffer_saved or status == "complete"
        account.prebuffer_shortfall = self._shortfall()
        if self._first is not None and account.fragments:
            end_s = self._first.start.mono_s + account.duration_s
            account.end_time = _utc(end_s, self._trigger)
            if account.copied and stopped is not None:
                account.after_stop_s = round(max(0.0, end_s - stopped.mono_s), 3)

    def snapshot(self) -> Account:
        """The account as it is now: a copy, which stays so."""
        marks = self._marks()
        return msgspec.structs.replace(
            self.account,
            markers_s=[at_s for at_s, _ in marks],
            marker_labels=[label for _, label in marks],
            mutes=self._mute_notes(),
        )

    def _mute_notes(self) -> list[MuteNote]:
        if self._first is None:
            return []
        ended_after_s = self.account.duration_s if self.account.stop is not None else None
        return [*mute_notes(self._mutes, self._first.start.mono_s, self._next_start_s, ended_after_s)]

    def _marks(self) -> list[tuple[float, str]]:
        """The markers that lie in this clip, with their labels. One set after the last frame of an ended clip lies at
        its end; so do all where there never was a frame.
        """
        if self._first is None:
            is_alone = self.account.stop is not None and self.account.continues is None
            return [(0.0, marker.label) for marker in self._markers] if is_alone else []
        begin_s = self._first.start.mono_s
        from_s = -math.inf if self.account.continues is None else begin_s
        end_s = math.inf if self.account.stop is None else self.account.duration_s
        mine = [marker for marker in self._markers if from_s <= marker.mono_s < self._next_start_s]
        return [(round(min(max(0.0, marker.mono_s - begin_s), end_s), 3), marker.label) for marker in mine]

    def _position_s(self, ticks: int) -> float:
        """A moment of the camera's time line on the clip's own."""
        return 0.0 if self._first is None else (ticks - self._first.start_ticks) / TICKS_PER_S

    def _note(self, note: GapNote) -> None:
        """Add a gap, or lengthen the last one if it is the same that goes on."""
        earlier, last = self.account.gaps[:-1], self.account.gaps[-1:]
        if last and last[0].reason == note.reason and _meet(last[0], note):
            note = GapNote(last[0].start_s, round(last[0].duration_s + note.duration_s, 3), note.reason)
            last = []
        self.account.gaps = [*earlier, *last, note]  # never changed in place: `snapshot` shares it
        self.has_news = True

    def _shortfall(self) -> str | None:
        """Why there is less from before the trigger than configured; None when there is enough."""
        if self.account.prebuffer_actual_s + _SHORTFALL_TOLERANCE_S >= self.account.prebuffer_configured_s:
            return None
        reasons = [*self._shortfall_reasons, *self._gaps_before_trigger()]
        return "; ".join(dict.fromkeys(reasons)) or "the pre-event buffer held no more"

    def _gaps_before_trigger(self) -> list[str]:
        if self._first is None:
            return ["no frames from before the trigger"]
        trigger_s = self._trigger.mono_s - self._first.start.mono_s
        gaps = [f"{gap.duration_s:.1f} s: {gap.reason}" for gap in self.account.gaps if gap.start_s < trigger_s]
        hole_s = trigger_s - max(
            [self.account.duration_s, *(gap.start_s + gap.duration_s for gap in self.account.gaps)]
        )
        if hole_s < _SHORTFALL_TOLERANCE_S:
            return gaps
        return [*gaps, f"no frames in the last {hole_s:.1f} s before the trigger"]


def utc_of(fragment: Fragment, trigger: Instant) -> str:
    """When `fragment` began, by the wall clock as it was at the trigger: a step of that clock does not split a clip."""
    return _utc(fragment.start.mono_s, trigger)


def _utc(mono_s: float, trigger: Instant) -> str:
    return iso(trigger.shifted(mono_s - trigger.mono_s).utc)


def _seconds(ticks: int) -> float:
    return round(ticks / TICKS_PER_S, 3)


def _meet(earlier: GapNote, later: GapNote) -> bool:
    return abs(earlier.start_s + earlier.duration_s - later.start_s) < 0.002  # each is rounded to a millisecond
