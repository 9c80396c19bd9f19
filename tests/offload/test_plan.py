"""What leaves, and in which order."""

from hypothesis import given
from hypothesis import strategies as st

from lapel.offload.interface import Arrived, OutgoingRecording
from lapel.offload.plan import Plan, make_plan, recordings_of
from lapel.offload.progress import RecordingProgress
from lapel.outgoing import OutgoingClip
from lapel.recording import Cause
from offload.back_ends import clip


def plan(*clips: OutgoingClip, critical: str = "", requested_only: bool = False, **notes: RecordingProgress) -> Plan:
    def of(recording: OutgoingRecording) -> RecordingProgress:
        return notes.get(recording.id, RecordingProgress(recording=recording.id))

    return make_plan(clips, of, critical=frozenset(critical.split()), requested_only=requested_only)


def at(minute: int) -> str:
    return f"2026-11-24T07:{minute:02}:00.000Z"


def ids(plan: Plan) -> list[str]:
    return [one.id for one in plan.to_send]


def note(name: str, **fields: object) -> RecordingProgress:
    return RecordingProgress(recording=name, **fields)  # type: ignore[arg-type]


def test_a_critical_category_leaves_before_older_ones() -> None:
    first, second = clip("a", 10, trigger_time=at(1)), clip("b", 10, trigger_time=at(2), is_critical=True)
    assert ids(plan(first, second)) == ["b", "a"]


def test_oldest_first_but_critical_before_and_requested_before_all() -> None:
    clips = [
        clip("a", trigger_time=at(1)),
        clip("b", trigger_time=at(2)),
        clip("c", trigger_time=at(3), start=Cause("trigger", "holster")),
        clip("d", trigger_time=at(4)),
    ]
    assert ids(plan(*reversed(clips))) == ["a", "b", "c", "d"]
    assert ids(plan(*clips, critical="holster")) == ["c", "a", "b", "d"]
    assert ids(plan(*clips, critical="holster", d=note("d", requested_by="7"))) == ["d", "c", "a", "b"]
    assert ids(plan(*clips, requested_only=True, d=note("d", requested_by="7"))) == ["d"]


def test_linked_clips_are_one_recording_in_their_order() -> None:
    clips = [clip("z", continued_by="y"), clip("y", continues="z", continued_by="x"), clip("x", continues="y")]
    (recording,) = recordings_of(sorted(clips, key=lambda one: one.account.recording))
    assert [one.account.recording for one in recording.clips] == ["z", "y", "x"]


def test_a_recording_that_goes_on_is_not_offered() -> None:
    assert plan(clip("a", continued_by="b"), clip("b", continues="a", status="recording")) == Plan()


def test_a_clip_whose_predecessor_has_left_the_card_is_offered() -> None:
    assert ids(plan(clip("b", continues="a"))) == ["b"]


def test_a_chain_that_was_damaged_into_a_circle_ends() -> None:
    recordings = recordings_of([clip("a"), clip("b", continues="c"), clip("c", continues="b")])
    assert [one.id for one in recordings] == ["a"]


def test_what_is_confirmed_complete_or_rejected_is_not_sent() -> None:
    confirmed = OutgoingClip(clip("a").account, (), is_confirmed=True)
    made = plan(confirmed, clip("b"), clip("c"), b=note("b", complete=True), c=note("c", refused="never"))
    assert ids(made) == []
    assert [one.id for one in made.to_confirm] == ["b"]
    assert [one.id for one in made.refused] == ["c"]


def test_bytes_left_count_what_has_not_arrived() -> None:
    arrived = {"a/video.mp4": Arrived(whole=True), "a/recording.json": Arrived(whole=True)}
    assert plan(clip("a", 1000), clip("b", 5000), a=note("a", items=arrived)).bytes_left == 300 + 5500


@given(
    st.lists(
        st.tuples(st.integers(0, 59), st.booleans(), st.booleans()),
        max_size=12,
    )
)
def test_the_order_is_total_and_loses_nothing(given: list[tuple[int, bool, bool]]) -> None:
    clips, notes = [], {}
    for number, (minute, is_critical, is_asked) in enumerate(given):
        name = f"r{number}"
        clips.append(clip(name, trigger_time=at(minute), start=Cause("trigger", "holster" if is_critical else "bar")))
        notes[name] = note(name, requested_by="1" if is_asked else "")
    made = plan(*clips, critical="holster", **notes)
    keys = [(not given[int(name[1:])][2], not given[int(name[1:])][1], given[int(name[1:])][0]) for name in ids(made)]
    assert keys == sorted(keys)
    assert len(keys) == len(given)
