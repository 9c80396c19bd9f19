import json

from fleet.operator.messages import NOW, reply, state
from lapel.link.messages import Command, EventMessage
from lapel_fleet.operator import output
from lapel_fleet.operator.outcomes import OutcomeTally
from lapel_fleet.operator.received import ClearedTopic, ReceivedMessage, UnreadableMessage

EVIL = "\x1b[2J\x9b31m\r\n\u202e"


def assert_harmless(*lines: str) -> None:
    assert all(line.isprintable() for line in lines), lines


def test_the_table_has_a_line_for_each_camera() -> None:
    states = {
        "a/1": state("a/1", "recording", recording="clip-1", flags=["muted", "low-battery"]),
        "a/22": state("a/22", "offline", since=None, time=None, reason="connection lost"),
        "b/1": None,
    }
    assert output.table(list(states), states) == [
        "camera  state       since                     flags              recording  firmware  session",
        "a/1     recording   2026-11-24T07:00:31.250Z  muted,low-battery  clip-1     0.1.0     s1",
        "a/22    offline     -                         -                  -          0.1.0     s1  (connection lost)",
        "b/1     unreadable  -                         -                  -          -         -",
    ]
    assert output.totals(states.values()) == "3 cameras: 1 offline, 1 recording, 1 unreadable"
    table = json.loads(json.dumps(output.table_json(list(states), states)))
    assert [one["address"] for one in table] == ["a/1", "a/22", "b/1"]
    assert table[0]["flags"] == ["muted", "low-battery"]


def test_totals_of_no_camera_and_of_one() -> None:
    assert output.totals([]) == "0 cameras"
    assert output.totals([state("a/1")]) == "1 camera: 1 buffering"


def test_the_summary_of_a_command() -> None:
    ids = {f"a/{number:02}": f"id-{number}" for number in range(16)}
    tally = OutcomeTally(ids, offline=["b/1"])
    for outcome in tally.open():
        tally.sent(outcome, 0.0)
    tally.take("a/00", reply("id-0"), 1.0)
    tally.take("a/00", reply("id-1"), 1.0)
    for number in range(1, 14):
        tally.take(f"a/{number:02}", reply(f"id-{number}", "refused", reason="is asleep"), 1.0)
    tally.take("a/14", reply("id-14", "failed", reason=EVIL), 1.0)
    tally.close("within 15 s")
    lines = output.summary(tally, "arm")
    asleep = ", ".join(f"a/{number:02}" for number in range(1, 11))
    assert lines[0] == f"refused (is asleep): {asleep} and 3 more"
    assert lines[2:] == [
        "no answer (within 15 s): a/15",
        "offline (not sent): b/1",
        "unexpected: a/00 replied for a/01",
        "arm: 17 cameras: 1 done, 13 refused, 1 failed, 1 no answer, 1 offline",
    ]
    assert_harmless(*lines)
    summary = json.loads(json.dumps(output.summary_json(tally, Command(id="-", command="arm"))))
    assert len(summary["cameras"]) == 17
    assert summary["counts"] == {"done": 1, "refused": 13, "failed": 1, "no answer": 1, "offline": 1}


def test_log_lines_and_details_of_a_reply() -> None:
    tally = OutcomeTally({"a/1": "id"})
    tally.take("a/1", reply("id", lines=[f"booted{EVIL}"], detail={"camera": "ok", EVIL: EVIL}, recording="clip"), 1.0)
    lines = output.summary(tally, "request-log")
    assert lines[0].startswith("a/1  booted")
    assert "a/1  camera: ok" in lines
    assert "a/1  recording: clip" in lines
    assert_harmless(*lines)


def test_lines_of_watch() -> None:
    will = state("a/1", "offline", time=None, since=None, reason="connection lost")
    event = EventMessage(id="1", kind="marker", time=NOW, mono_s=1, camera="1", session="s", detail={"by": EVIL})
    later = "2026-11-24T08:09:10.000Z"
    lines = [
        output.line_of(ReceivedMessage("a/1", state("a/1", "recording", recording="clip")), state("a/1"), later),
        output.line_of(ReceivedMessage("a/1", will), state("a/1"), later),
        output.line_of(ReceivedMessage("a/1", event), None, later),
        output.line_of(ClearedTopic("a/1"), None, later),
        output.line_of(UnreadableMessage("a/1", "event", EVIL), None, later),
        output.line_of(ReceivedMessage("a/1", Command(id=EVIL, command="arm", sender=EVIL, reason=EVIL)), None, later),
        *output.invalid_messages(2, [EVIL]),
    ]
    assert lines[0] == "07:00:31  a/1  buffering -> recording, clip"
    assert lines[1] == "08:09:10  a/1  buffering -> offline, last will: its connection was lost"
    assert lines[2].startswith("07:00:31  a/1  marker  by=")
    assert lines[3] == "08:09:10  a/1  its state was cleared: no longer part of this fleet"
    assert_harmless(*lines)


def test_an_event_says_its_reason_first() -> None:
    def words(**detail: str | float | None) -> str:
        one = EventMessage(id="1", kind="refused", time=NOW, mono_s=1, camera="1", session="s", detail=detail)
        return output.event_words(one)

    assert words(event="start", source="button", reason="the card is full") == (
        "the card is full (event=start, source=button)"
    )
    assert words(reason="unplugged") == "unplugged"
    assert words(recording="clip-1", reason="", shortfall=None, seconds=2.5) == "recording=clip-1, seconds=2.5"
    assert_harmless(words(reason=EVIL, viewer=EVIL))
