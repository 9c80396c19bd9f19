from hypothesis import given, settings
from hypothesis import strategies as st

from fragments import instant
from lapel.fragment import Fragment
from lapel.hardware.interfaces import CodedFrame
from lapel.media.fragment_copier import FragmentCopier
from system.rpicam_vid import h264_frames
from video_files import file_of, numbers

INTRA, RATE = 5, 10.0


class Source:
    """Coded frames, of which some are lost on the way."""

    def __init__(self) -> None:
        self._frames = h264_frames(64, 32, INTRA)
        self.count, self._dropped = 0, 0

    def next(self, at_s: float, dropped: int = 0) -> CodedFrame:
        for _ in range(dropped):
            self.drop()
        number, dropped, self._dropped = self.count, self._dropped, 0
        self.count += 1
        return CodedFrame(instant(at_s), next(self._frames), number % INTRA == 0, (64, 32), dropped)

    def drop(self) -> None:
        next(self._frames)
        self.count += 1
        self._dropped += 1


def fed(copier: FragmentCopier, source: Source, count: int, from_s: float = 0.0) -> list[Fragment]:
    closed = [copier.encode(source.next(from_s + number / RATE)) for number in range(count)]
    return [fragment for fragment in closed if fragment is not None]


def test_a_fragment_is_a_gop_of_the_source() -> None:
    copier = FragmentCopier(RATE)
    closed = fed(copier, Source(), 12)
    assert [(one.number, one.frames, one.duration_ticks) for one in closed] == [(1, 5, 45_000), (2, 5, 45_000)]
    rest = copier.cut()
    assert rest is not None
    assert numbers(file_of([*closed, rest])) == list(range(12))
    assert copier.cut() is None
    assert closed[0].header is rest.header


def test_after_a_missing_frame_nothing_is_taken_up_to_the_next_keyframe() -> None:
    copier, source = FragmentCopier(RATE), Source()
    assert fed(copier, source, 2) == []
    closed = copier.encode(source.next(0.3, dropped=1))
    assert closed is not None
    assert (closed.frames, closed.dropped_frames) == (2, 0)
    fed(copier, source, 4, from_s=0.4)  # one more of this GOP, then three of the next
    rest = copier.cut()
    assert rest is not None
    assert (rest.frames, rest.dropped_frames, rest.gap_before) == (3, 3, None)
    assert numbers(file_of([closed, rest])) == [0, 1, 5, 6, 7]


def test_a_lost_source_is_a_gap_up_to_its_next_keyframe() -> None:
    copier, source = FragmentCopier(RATE), Source()
    fed(copier, source, 2)
    first = copier.cut()
    copier.missed("unplugged")
    assert fed(copier, source, 4, from_s=3.0) == []
    rest = copier.cut()
    assert first is not None
    assert rest is not None
    assert rest.gap_before is not None
    assert (rest.gap_before.reason, round(rest.gap_before.duration_s, 3)) == ("unplugged", 3.1)
    assert numbers(file_of([first, rest])) == [0, 1, 5]


def test_frames_that_arrive_in_one_moment_are_all_kept() -> None:
    copier, source = FragmentCopier(RATE), Source()
    for at_s in (0.0, 0.1, 0.1, 0.05, 0.2):
        copier.encode(source.next(at_s))
    closed = copier.cut()
    assert closed is not None
    assert numbers(file_of([closed])) == list(range(5))


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["frame", "frame", "frame", "drop", "lost", "late"]), max_size=40))
def test_every_frame_is_in_one_fragment_that_decodes_by_itself_or_is_counted(actions: list[str]) -> None:
    copier, source, at_s = FragmentCopier(RATE), Source(), 0.0
    closed: list[Fragment | None] = []
    for action in actions:
        at_s += 3.0 if action == "late" else 0.1
        match action:
            case "drop":
                source.drop()
            case "lost":
                closed.append(copier.cut())
            case _:
                closed.append(copier.encode(source.next(at_s)))
    closed.append(copier.cut())
    fragments = [one for one in closed if one is not None]
    for one in fragments:
        read = numbers(file_of([one]))
        assert read == list(range(read[0], read[0] + one.frames))
        assert read[0] % INTRA == 0
    counted = sum(one.frames + one.dropped_frames for one in fragments)
    assert counted <= source.count
    ends = [one.start_ticks + one.duration_ticks for one in fragments]
    assert all(end <= later.start_ticks for end, later in zip(ends, fragments[1:], strict=False))
