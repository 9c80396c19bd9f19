from hypothesis import given
from hypothesis import strategies as st

from fleet.operator.messages import reply
from lapel_fleet.operator.outcomes import RESULTS, OutcomeTally

CAMERAS = ["a/1", "a/2", "b/1"]
IDS = {camera: f"id-{camera}" for camera in CAMERAS}


def tally() -> OutcomeTally:
    one = OutcomeTally(IDS, offline=["c/1"])
    for outcome in one.open():
        one.sent(outcome, 10.0)
    return one


def test_every_camera_has_one_result() -> None:
    one = tally()
    one.take("a/1", reply("id-a/1", "accepted"), 10.5)
    one.take("a/1", reply("id-a/1", recording="clip"), 12.0)
    one.take("a/2", reply("id-a/2", "refused", reason="is asleep"), 11.0)
    assert (one.is_settled, [left.camera for left in one.open()]) == (False, ["b/1"])
    one.close("within 15 s")
    assert one.is_settled
    assert not one.all_done
    assert one.counts() == {"done": 1, "refused": 1, "no answer": 1, "offline": 1}
    first = one.outcomes["a/1"]
    assert (first.result, first.took_s) == ("done", 2.0)
    assert first.reply is not None
    assert first.reply.recording == "clip"
    assert one.outcomes["a/2"].reason == "is asleep"
    assert one.outcomes["c/1"].reason == "not sent"


def test_a_camera_that_accepted_is_not_silent() -> None:
    one = tally()
    one.take("a/1", reply("id-a/1", "accepted"), 10.5)
    assert [left.camera for left in one.silent()] == ["a/2", "b/1"]
    one.close("within 15 s")
    assert one.outcomes["a/1"].reason == "accepted, but no final reply, within 15 s"


def test_a_camera_that_was_not_sent_the_command_is_reported_so() -> None:
    one = OutcomeTally(IDS)
    one.sent(one.outcomes["a/1"], 1.0)
    one.close("the broker was lost: x")
    assert one.outcomes["a/1"].reason == "the broker was lost: x"
    assert one.outcomes["a/2"].reason == "not sent, the broker was lost: x"


def test_the_first_final_reply_counts() -> None:
    one = tally()
    one.take("a/1", reply("id-a/1"), 11.0)
    one.take("a/1", reply("id-a/1"), 11.5)
    one.take("a/1", reply("id-a/1", "failed"), 12.0)
    assert one.outcomes["a/1"].result == "done"
    assert one.outcomes["a/1"].took_s == 1.0
    assert one.oddities == {"a/1 replied again: done": 1, "a/1 replied again: failed after done": 1}


def test_a_camera_cannot_reply_for_another() -> None:
    one = tally()
    one.take("a/1", reply("id-a/2"), 11.0)
    one.take("x/9", reply("id-a/1"), 11.0)
    one.take("a/1", reply("of-another-operator"), 11.0)
    assert len(one.open()) == 3
    assert one.oddities == {"a/1 replied for a/2": 1, "x/9 replied for a/1": 1}


def test_an_invalid_reply_is_given_as_the_reason() -> None:
    one = tally()
    one.take_invalid("a/1", "no JSON")
    one.take_invalid("x/9", "no JSON")
    one.close("within 15 s")
    assert one.outcomes["a/1"].reason == "its reply was invalid (no JSON), within 15 s"


def test_log_lines_arrive_in_parts() -> None:
    one = tally()
    one.take("a/1", reply("id-a/1", "progress", lines=["1", "2"]), 11.0)
    one.take("a/1", reply("id-a/1", "done", lines=["3"]), 11.0)
    one.take("a/1", reply("id-a/1", "done", lines=["3"]), 11.0)
    assert one.outcomes["a/1"].lines == ["1", "2", "3"]


ANSWERS = st.tuples(
    st.sampled_from([*CAMERAS, "x/9"]),
    st.sampled_from([*IDS.values(), "foreign"]),
    st.sampled_from(["accepted", "progress", "done", "refused", "failed"]),
)


@given(st.lists(ANSWERS))
def test_any_replies_give_each_camera_one_result(answers: list[tuple[str, str, str]]) -> None:
    one = tally()
    for camera, id_, result in answers:
        one.take(camera, reply(id_, result), 11.0)
        assert one.is_settled is (not one.open())
    own = {camera for camera, id_, result in answers if IDS.get(camera) == id_ and result in RESULTS}
    assert {left.camera for left in one.open()} == set(CAMERAS) - own
    one.close("late")
    assert sum(one.counts().values()) == len(CAMERAS) + 1
    assert one.is_settled
