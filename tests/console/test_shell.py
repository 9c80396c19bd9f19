"""The shell under anything that a line can bring. No crash, no command without a login, and the loop goes on."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.rig import SECRETS, Rig, play
from console.terminals import Dumb, Emulator
from lapel.console.shell import IDLE_S

TYPED = st.lists(
    st.binary(max_size=60)
    | st.sampled_from(
        [b"service\r", b"viewer\r", b"recover\r", b"status\r", b"record start x\r", b"reboot\r", b"machine\r", b"\x03",
         b"\t", b"?", b"\x04", b"exit\r", b"log follow\r", b"help\r", b"config set ", b"\x1b[A", b"\x1b[1;40R", b"'",
         b'"', b"terminal width 20\r", b"-j\r", b"-h\r", b'{"id":1,"command":"status"} *00000000\r\n']
    ),
    max_size=25,
)  # fmt: skip


STORMS = st.lists(
    st.sampled_from(
        [b"\x03", b"\x03" * 500, b"\x13", b"\x13" * 500, b"\x11", b"log follow\r", b"status\r", b"help\r", b"half a wo",
         b"\x1b[1;20R", b"\x1b[1;500R", b"\x1b[1;7R", b"\x1b[1;99999R", b"\x1b[;R", b"\x0c", b"\t", b"?", b"x" * 90]
    ),
    max_size=15,
)  # fmt: skip
"""What a terminal that is resized, its flow control and an impatient person bring. ^S is no order here: a client that
wants no more stops reading.
"""


def in_a_folder(story: Any) -> Any:
    with TemporaryDirectory() as folder:
        return play(Path(folder), story)


def faults(rig: Rig) -> list[str]:
    return [line.text for line in rig.log.newest(2_000) if line.level == "error"]


@settings(max_examples=30)
@given(TYPED)
def test_without_a_login_nothing_is_done(typed: list[bytes]) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach(Dumb())
        for data in typed:
            await rig.type(data)
        assert not rig.record("command", "login", "note", "mistyped")
        assert not faults(rig)
        await rig.attach(Dumb())
        await rig.clock.sleep(60)  # wrong secrets may have raised the delay
        await rig.log_in()
        assert rig.prompt == "cam-0001 buffering>"

    in_a_folder(story)


@settings(max_examples=30)
@given(TYPED)
def test_a_viewer_changes_nothing_whatever_is_typed(typed: list[bytes]) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach(Dumb())
        await rig.log_in("viewer")
        for data in typed:
            await rig.type(data)
        assert {one["role"] for one in rig.record("command")} <= {"viewer"}
        assert rig.link.states == ["booting", "buffering"]
        assert rig.settings.version == 0
        assert not faults(rig)

    in_a_folder(story)


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_noise_at_a_service_login_breaks_nothing(typed: list[bytes]) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach(Dumb())
        await rig.log_in()
        for data in typed:
            await rig.type(data)
        assert not faults(rig)

    in_a_folder(story)


def test_others_get_their_turn_while_thousands_of_keys_wait(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        rig.line.type(b"status\r" * 600)
        turns = 0
        while len(rig.done) <= 3:
            turns += 1
            await rig.clock.sleep(0)
        assert turns > 30, "one turn of the loop carried out command after command"

    play(folder, story)


def test_endless_noise_costs_a_login_nothing_but_room_on_the_screen(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        rng = random.Random(1)
        await rig.attach(Dumb())
        for _ in range(40):
            rig.line.type(rng.randbytes(8_000))
            await rig.settle()
        assert not rig.record()
        await rig.type(b"\x03")
        await rig.log_in()
        assert rig.prompt == "cam-0001 buffering>"

    play(folder, story)


def test_noise_at_the_keys_of_somebody_logged_in_logs_out(folder: Path) -> None:
    """A UART tells of no hang-up: a cable that was pulled may be noise."""

    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type(b"k#\r" * 19)
        assert await rig.say("battery")
        await rig.type(b"k#\r" * 20)
        assert rig.record("logout")[0]["why"] == "exit"
        assert rig.prompt == "login:"

    play(folder, story)


def test_hanging_up_behind_a_full_type_ahead_logs_out(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        rig.line.stop_reading()
        for _ in range(20):
            rig.line.type(b"log show 2000\r" * 500)
            await rig.settle()
        rig.line.hang_up()
        await rig.settle()
        assert [one["why"] for one in rig.record("logout")] == ["hang-up"]
        await rig.attach()
        assert rig.terminal.text(0) == "Lapel 0.1.0  cam-0001"
        assert rig.prompt == "login:"

    play(folder, story)


def test_so_does_hanging_up_in_machine_mode(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type("machine\r")
        rig.line.stop_reading()
        for _ in range(40):
            rig.line.type(b"x" * 3_000 + b"\r\n")
            await rig.clock.sleep(0.01)
        rig.line.hang_up()
        await rig.settle()
        assert len(rig.record("logout")) == 1

    play(folder, story)


def test_hanging_up_ends_the_command_that_runs(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type("log follow\r")
        rig.line.hang_up()
        await rig.settle()
        await rig.attach()
        rig.log.add("for nobody", "error")
        await rig.settle()
        assert rig.prompt == "login:"
        assert b"for nobody" not in rig.line.received

    play(folder, story)


def test_a_client_that_stops_reading_costs_the_camera_nothing_and_is_told_what_it_missed(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach(Dumb())
        await rig.log_in()
        rig.line.stop_reading()
        for number in range(2_000):
            rig.log.add(f"line {number} of a camera that has much to say", "warning")
        await rig.settle()
        assert rig.line.waiting_bytes() < 20_000
        rig.line.go_on_reading()
        await rig.type("\r")
        assert b"lines were not shown" in rig.line.received

    play(folder, story)


def test_ctrl_c_throws_away_what_was_typed_ahead(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type("log follow\r")
        await rig.type("record start too soon\r")
        await rig.type(b"\x03")
        assert rig.done == ["log follow"]
        assert await rig.say("battery") == "this camera measures no battery"

    play(folder, story)


def test_a_flood_of_ctrl_c_is_only_that(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach(Dumb())
        await rig.log_in()
        for _ in range(30):
            rig.line.type(b"\x03" * 10_000)
            await rig.settle()
        assert await rig.say("battery") == "this camera measures no battery"

    play(folder, story)


@settings(max_examples=20)
@given(STORMS, st.booleans())
def test_after_a_storm_of_interrupts_and_resizes_the_next_command_is_understood(
    typed: list[bytes], at_once: bool
) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach(Dumb())
        await rig.log_in()
        for data in [b"".join(typed)] if at_once else typed:
            await rig.type(data)
        await rig.type(b"\x03")
        await rig.type(b"note still there\r")
        assert rig.done[-1] == "note still there"
        assert not faults(rig)

    in_a_folder(story)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh "), st.none() | st.integers(0, 1_000)), min_size=1, max_size=60),
    st.integers(20, 132),
)
def test_a_line_is_what_was_typed_however_often_the_terminal_is_resized_meanwhile(
    typed: list[tuple[str, int | None]], columns: int
) -> None:
    async def story(rig: Rig) -> None:
        terminal = Emulator(columns)
        await rig.attach(terminal)
        await rig.log_in()
        await rig.type("note '")
        for key, width in typed:
            if width is not None:
                terminal.resize(columns=min(max(width, 20), 500))
                rig.line.type(f"\x1b[1;{width}R".encode())
            rig.line.type(key.encode())
        await rig.type("!'\r")
        assert [one["text"] for one in rig.record("note")] == ["".join(key for key, _ in typed) + "!"]
        assert rig.prompt.endswith(">")

    in_a_folder(story)


def test_flow_control_of_a_terminal_is_neither_obeyed_nor_part_of_a_line(folder: Path) -> None:
    """^S that no ^Q ever follows must not make the camera fall silent."""

    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type(b"note \x13still\x13 here\x13\r")
        assert [one["text"] for one in rig.record("note")] == ["still here"]
        assert rig.prompt == "cam-0001 buffering>"

    play(folder, story)


def test_a_terminal_that_is_resized_is_asked_again(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        for columns in (40, 132, 20):
            await rig.type(f"\x1b[1;{columns}R")
            assert f"width   {columns}" in await rig.say("terminal")
        await rig.type("\x1b[1;7R")
        assert "width   20" in await rig.say("terminal")
        await rig.type("\x0c")
        assert "width   80" in await rig.say("terminal")

    play(folder, story)


def test_a_command_counts_as_activity_and_noise_does_not(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        for _ in range(4):
            await rig.clock.sleep(IDLE_S - 60)
            await rig.type("battery\r")
        for _ in range(11):
            await rig.clock.sleep(60)
            await rig.type("x")
        assert [one["why"] for one in rig.record("logout")] == ["idle"]

    play(folder, story)


def test_a_fault_in_a_command_is_one_line_and_in_the_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(rig: Rig) -> None:
        monkeypatch.setattr(rig.desk, "battery", lambda: 1 / 0)
        await rig.attach()
        await rig.log_in()
        said = await rig.say("battery")
        assert said.splitlines()[0].startswith("battery show: a fault of Lapel's (ZeroDivisionError)")
        assert len(said.splitlines()) == 3  # as wide as the terminal is, and the log's line
        assert faults(rig) == ["console: ZeroDivisionError: division by zero"]
        assert any("in carry_out" in line.text for line in rig.log.newest(20))
        assert rig.prompt == "cam-0001 buffering>"

    play(folder, story)


def test_a_fault_of_the_shell_itself_logs_out_and_the_port_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        with monkeypatch.context() as broken:
            broken.setattr(rig.desk, "standing", lambda: 1 / 0)
            await rig.type("battery\r")
            await rig.clock.sleep(5)
        await rig.clock.sleep(2)
        assert [one["why"] for one in rig.record("logout")] == ["fault"]
        await rig.log_in()
        assert rig.prompt == "cam-0001 buffering>"

    play(folder, story)


def test_whoever_comes_before_the_camera_is_there_waits(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        there, rig.desk._now = rig.desk._now, None
        await rig.attach()
        await rig.clock.sleep(3)
        assert b"the camera is not there yet" in rig.line.received
        assert b"fault" not in rig.line.received
        rig.desk._now = there
        await rig.clock.sleep(2)
        await rig.log_in()
        assert rig.prompt == "cam-0001 buffering>"

    play(folder, story)


def test_log_lines_cannot_carry_orders_to_the_terminal(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        rig.log.add("\x1b]0;title\x07\x1b[2Jfrom a stranger", "warning")
        await rig.settle()
        assert b"\x1b]" not in rig.line.received
        assert b"\x1b[2J" not in rig.line.received

    play(folder, story)


def test_a_secret_is_neither_shown_nor_put_on_record_nor_recalled(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type("login set viewer\r")
        await rig.type("a brand new secret\r")
        await rig.type("a brand new secret\r")
        await rig.type(b"\x1b[A")
        assert rig.prompt == "cam-0001 buffering> login set viewer"
        everything = bytes(rig.line.received) + (folder / ".lapel" / "console.jsonl").read_bytes()
        assert b"brand new" not in everything
        assert SECRETS["service"].encode() not in everything
        await rig.type(b"\x15exit\r")
        await rig.log_in("viewer", "a brand new secret")
        assert rig.prompt == "cam-0001 buffering>"

    play(folder, story)


@pytest.mark.parametrize(
    ("first", "again", "said"),
    [
        ("short", "", "8 characters"),
        ("aaaaaaaaaa", "", "three different"),
        ("a good secret", "another one", "different"),
    ],
)
def test_a_secret_that_will_not_do_is_not_set(folder: Path, first: str, again: str, said: str) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in()
        await rig.type("login set service\r")
        await rig.type(f"{first}\r")
        await rig.type(f"{again}\r" if again else "")
        assert said.encode() in rig.line.received
        await rig.type("exit\r")
        await rig.log_in()
        assert rig.prompt == "cam-0001 buffering>"

    play(folder, story)


def test_without_a_secret_nobody_comes_in_until_somebody_holds_the_button(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.type("service\r")
        await rig.clock.sleep(31)
        assert b"nobody is at the camera's button" in rig.line.received
        await rig.type("service\r")
        rig.desk.holds = True
        await rig.clock.sleep(2)
        await rig.type("the first secret\r")
        await rig.type("the first secret\r")
        await rig.log_in("service", "the first secret")
        assert rig.prompt == "cam-0001 buffering>"
        assert [one["kind"] for one in rig.record()] == ["secret-set", "login"]

    play(folder, story, secrets={})


def test_a_wrong_secret_is_on_record_without_the_secret(folder: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.attach()
        await rig.log_in("service", "my other secret")
        (entry,) = rig.record("login-failed")
        assert (entry["role"], entry["verdict"]) == ("service", "wrong")
        assert "other" not in str(entry)

    play(folder, story)
