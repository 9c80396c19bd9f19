"""Sessions under any input: no crash, no command without a login, and the event loop never blocks."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.harness import SECRETS, Harness, run_steps
from console.terminals import DumbTerminal, Emulator
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


BURSTS = st.lists(
    st.sampled_from(
        [b"\x03", b"\x03" * 500, b"\x13", b"\x13" * 500, b"\x11", b"log follow\r", b"status\r", b"help\r", b"half a wo",
         b"\x1b[1;20R", b"\x1b[1;500R", b"\x1b[1;7R", b"\x1b[1;99999R", b"\x1b[;R", b"\x0c", b"\t", b"?", b"x" * 90]
    ),
    max_size=15,
)  # fmt: skip
"""Input from a resized terminal, its flow control and an impatient user. The console ignores ^S: a client that wants a
pause stops reading.
"""


def run_in_temporary_folder(steps: Any) -> Any:
    with TemporaryDirectory() as folder:
        return run_steps(Path(folder), steps)


@settings(max_examples=30)
@given(TYPED)
def test_without_a_login_no_command_is_executed(typed: list[bytes]) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach(DumbTerminal())
        for data in typed:
            await harness.type(data)
        assert not harness.log_entries("command", "login", "note", "mistyped")
        assert not harness.errors
        await harness.attach(DumbTerminal())
        await harness.clock.sleep(60)  # wrong secrets may have caused a delay
        await harness.log_in()
        assert harness.prompt == "cam-0001 buffering>"

    run_in_temporary_folder(steps)


@settings(max_examples=30)
@given(TYPED)
def test_a_viewer_changes_nothing_whatever_is_typed(typed: list[bytes]) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach(DumbTerminal())
        await harness.log_in("viewer")
        for data in typed:
            await harness.type(data)
        assert {one["role"] for one in harness.log_entries("command")} <= {"viewer"}
        assert harness.link.states == ["booting", "buffering"]
        assert harness.settings.version == 0
        assert not harness.errors

    run_in_temporary_folder(steps)


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_noise_in_a_service_session_causes_no_error(typed: list[bytes]) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach(DumbTerminal())
        await harness.log_in()
        for data in typed:
            await harness.type(data)
        assert not harness.errors

    run_in_temporary_folder(steps)


def test_other_tasks_run_while_thousands_of_keys_are_queued(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        harness.line.type(b"status\r" * 600)
        turns = 0
        while len(harness.executed) <= 3:
            turns += 1
            await harness.clock.sleep(0)
        assert turns > 30, "one iteration of the event loop executed several commands"

    run_steps(folder, steps)


def test_after_endless_noise_at_the_login_prompt_a_user_can_log_in(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        noise = random.Random(1)
        await harness.attach(DumbTerminal())
        for _ in range(40):
            harness.line.type(noise.randbytes(8_000))
            await harness.settle()
        assert not harness.log_entries()
        await harness.type(b"\x03")
        await harness.log_in()
        assert harness.prompt == "cam-0001 buffering>"

    run_steps(folder, steps)


def test_noise_in_a_session_logs_the_user_out(folder: Path) -> None:
    """A UART does not report a hang-up: noise may mean that the cable was pulled."""

    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type(b"k#\r" * 19)
        assert await harness.run("battery")
        await harness.type(b"k#\r" * 20)
        assert harness.log_entries("logout")[0]["why"] == "exit"
        assert harness.prompt == "login:"

    run_steps(folder, steps)


def test_a_hang_up_behind_a_full_input_queue_logs_out(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        harness.line.stop_reading()
        for _ in range(20):
            harness.line.type(b"log show 2000\r" * 500)
            await harness.settle()
        harness.line.hang_up()
        await harness.settle()
        assert [one["why"] for one in harness.log_entries("logout")] == ["hang-up"]
        await harness.attach()
        assert harness.terminal.text(0) == "Lapel 0.1.0  cam-0001"
        assert harness.prompt == "login:"

    run_steps(folder, steps)


def test_a_hang_up_in_machine_mode_logs_out(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type("machine\r")
        harness.line.stop_reading()
        for _ in range(40):
            harness.line.type(b"x" * 3_000 + b"\r\n")
            await harness.clock.sleep(0.01)
        harness.line.hang_up()
        await harness.settle()
        assert len(harness.log_entries("logout")) == 1

    run_steps(folder, steps)


def test_a_hang_up_cancels_the_running_command(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type("log follow\r")
        harness.line.hang_up()
        await harness.settle()
        await harness.attach()
        harness.log.add("for no session", "error")
        await harness.settle()
        assert harness.prompt == "login:"
        assert b"for no session" not in harness.output

    run_steps(folder, steps)


def test_for_a_client_that_stops_reading_lines_are_dropped_and_counted(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach(DumbTerminal())
        await harness.log_in()
        harness.line.stop_reading()
        for number in range(2_000):
            harness.log.add(f"line {number} of a verbose camera", "warning")
        await harness.settle()
        assert harness.line.waiting_bytes() < 20_000
        harness.line.resume_reading()
        await harness.type("\r")
        assert b"lines were not shown" in harness.output

    run_steps(folder, steps)


def test_ctrl_c_drops_keys_that_were_typed_ahead(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type("log follow\r")
        await harness.type("record start too soon\r")
        await harness.type(b"\x03")
        assert harness.executed == ["log follow"]
        assert await harness.run("battery") == "this camera has no battery gauge"

    run_steps(folder, steps)


def test_a_flood_of_ctrl_c_does_no_harm(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach(DumbTerminal())
        await harness.log_in()
        for _ in range(30):
            harness.line.type(b"\x03" * 10_000)
            await harness.settle()
        assert await harness.run("battery") == "this camera has no battery gauge"

    run_steps(folder, steps)


@settings(max_examples=20)
@given(BURSTS, st.booleans())
def test_after_a_burst_of_interrupts_and_resizes_the_next_command_is_executed(
    typed: list[bytes], at_once: bool
) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach(DumbTerminal())
        await harness.log_in()
        for data in [b"".join(typed)] if at_once else typed:
            await harness.type(data)
        await harness.type(b"\x03")
        await harness.type(b"note still there\r")
        assert harness.executed[-1] == "note still there"
        assert not harness.errors

    run_in_temporary_folder(steps)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh "), st.none() | st.integers(0, 1_000)), min_size=1, max_size=60),
    st.integers(20, 132),
)
def test_resizing_the_terminal_does_not_change_the_typed_line(
    typed: list[tuple[str, int | None]], columns: int
) -> None:
    async def steps(harness: Harness) -> None:
        terminal = Emulator(columns)
        await harness.attach(terminal)
        await harness.log_in()
        await harness.type("note '")
        for key, width in typed:
            if width is not None:
                terminal.resize(columns=min(max(width, 20), 500))
                harness.line.type(f"\x1b[1;{width}R".encode())
            harness.line.type(key.encode())
        await harness.type("!'\r")
        assert [one["text"] for one in harness.log_entries("note")] == ["".join(key for key, _ in typed) + "!"]
        assert harness.prompt.endswith(">")

    run_in_temporary_folder(steps)


def test_xon_and_xoff_are_ignored(folder: Path) -> None:
    """A ^S without a ^Q must not stop the output for good."""

    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type(b"note \x13still\x13 here\x13\r")
        assert [one["text"] for one in harness.log_entries("note")] == ["still here"]
        assert harness.prompt == "cam-0001 buffering>"

    run_steps(folder, steps)


def test_the_width_follows_a_resized_terminal(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        for columns in (40, 132, 20):
            await harness.type(f"\x1b[1;{columns}R")
            assert f"width   {columns}" in await harness.run("terminal")
        await harness.type("\x1b[1;7R")
        assert "width   20" in await harness.run("terminal")
        await harness.type("\x0c")
        assert "width   80" in await harness.run("terminal")

    run_steps(folder, steps)


def test_a_command_counts_as_activity_and_keys_alone_do_not(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        for _ in range(4):
            await harness.clock.sleep(IDLE_S - 60)
            await harness.type("battery\r")
        for _ in range(11):
            await harness.clock.sleep(60)
            await harness.type("x")
        assert [one["why"] for one in harness.log_entries("logout")] == ["idle"]

    run_steps(folder, steps)


def test_an_internal_error_in_a_command_is_shown_and_logged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(harness: Harness) -> None:
        monkeypatch.setattr(harness.access, "battery", lambda: 1 / 0)
        await harness.attach()
        await harness.log_in()
        shown = await harness.run("battery")
        assert shown.startswith("battery show: internal error (ZeroDivisionError)")
        assert len(shown.splitlines()) == 3  # the message wrapped at the terminal's width, and the log line
        assert harness.errors == ["console: ZeroDivisionError: division by zero"]
        assert any("in execute" in line.text for line in harness.log.newest(20))
        assert harness.prompt == "cam-0001 buffering>"

    run_steps(folder, steps)


def test_after_an_internal_error_in_the_session_a_user_can_log_in_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        with monkeypatch.context() as broken:
            broken.setattr(harness.access, "overview", lambda: 1 / 0)
            await harness.type("battery\r")
            await harness.clock.sleep(5)
        await harness.clock.sleep(2)
        assert [one["why"] for one in harness.log_entries("logout")] == ["fault"]
        await harness.log_in()
        assert harness.prompt == "cam-0001 buffering>"

    run_steps(folder, steps)


def test_a_client_that_attaches_before_the_camera_has_started_waits(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        attached, harness.access._now = harness.access._now, None
        await harness.attach()
        await harness.clock.sleep(3)
        assert b"the camera is not there yet" in harness.output
        assert b"internal error" not in harness.output
        harness.access._now = attached
        await harness.clock.sleep(2)
        await harness.log_in()
        assert harness.prompt == "cam-0001 buffering>"

    run_steps(folder, steps)


def test_escape_sequences_in_log_lines_do_not_reach_the_terminal(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        harness.log.add("\x1b]0;title\x07\x1b[2Jfrom outside", "warning")
        await harness.settle()
        assert b"\x1b]" not in harness.output
        assert b"\x1b[2J" not in harness.output

    run_steps(folder, steps)


def test_a_secret_is_neither_shown_nor_logged_nor_in_the_history(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type("login set viewer\r")
        await harness.type("a brand new secret\r")
        await harness.type("a brand new secret\r")
        await harness.type(b"\x1b[A")
        assert harness.prompt == "cam-0001 buffering> login set viewer"
        everything = bytes(harness.output) + (folder / ".lapel" / "console.jsonl").read_bytes()
        assert b"brand new" not in everything
        assert SECRETS["service"].encode() not in everything
        await harness.type(b"\x15exit\r")
        await harness.log_in("viewer", "a brand new secret")
        assert harness.prompt == "cam-0001 buffering>"

    run_steps(folder, steps)


@pytest.mark.parametrize(
    ("first", "repeated", "message"),
    [
        ("short", "", "at least 8 characters"),
        ("aaaaaaaaaa", "", "three different"),
        ("a good secret", "another one", "the two secrets differ"),
    ],
)
def test_a_weak_or_mistyped_secret_is_not_set(folder: Path, first: str, repeated: str, message: str) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in()
        await harness.type("login set service\r")
        await harness.type(f"{first}\r")
        await harness.type(f"{repeated}\r" if repeated else "")
        assert message.encode() in harness.output
        await harness.type("exit\r")
        await harness.log_in()
        assert harness.prompt == "cam-0001 buffering>"

    run_steps(folder, steps)


def test_the_first_secret_can_be_set_only_while_the_button_is_held(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.type("service\r")
        await harness.clock.sleep(31)
        assert b"denied: presence was not proved" in harness.output
        await harness.type("service\r")
        harness.access.is_button_held = True
        await harness.clock.sleep(2)
        await harness.type("the first secret\r")
        await harness.type("the first secret\r")
        await harness.log_in("service", "the first secret")
        assert harness.prompt == "cam-0001 buffering>"
        assert [one["kind"] for one in harness.log_entries()] == ["secret-set", "login"]

    run_steps(folder, steps, secrets={})


def test_a_failed_login_is_logged_without_the_secret(folder: Path) -> None:
    async def steps(harness: Harness) -> None:
        await harness.attach()
        await harness.log_in("service", "my other secret")
        (entry,) = harness.log_entries("login-failed")
        assert (entry["role"], entry["verdict"]) == ("service", "wrong")
        assert "other" not in str(entry)

    run_steps(folder, steps)
