"""The console on a real pty: with picocom, driven by pexpect, and with the Python client of machine mode."""

from pathlib import Path

import pexpect
import pytest

from lapel.console.client import Client
from lapel.errors import ConsoleError
from system.technician import SECRET, camera_with_console, picocom


def log_in(client: "pexpect.spawn[str]", secret: str = SECRET) -> None:
    client.send("\r")
    client.expect("login: ")
    client.send("service\r")
    client.expect("secret: ")
    client.send(f"{secret}\r")


async def test_a_technician_logs_in_records_and_hangs_up_and_the_next_client_sees_nothing_of_it(tmp_path: Path) -> None:
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with picocom(line) as client:
            log_in(client)
            client.expect("cam-0001 buffering> ")
            client.send("status\r")
            client.expect("READY")
            client.expect("buffering> ")
            client.send("sto\t")
            client.expect("sto(rage)?.*rage")
            client.send("\r")
            client.expect("GB")
            client.expect("buffering> ")
            client.send("record start 'traffic stop'\r")
            client.expect("cam-0001 recording> ")
            client.send("reboot\r")
            client.expect("refused while the camera records")
            client.expect("cam-0001 recording> ")
            client.send("record stop done\r")
            client.expect("cam-0001 buffering> ")
            client.send("recording list\r")
            client.expect("complete")
            client.expect("buffering> ")
            client.send("note confidential-note\r")
            client.expect("buffering> ")
        with picocom(line) as next_client:
            next_client.send("\r")
            next_client.expect("login: ")
            assert "confidential-note" not in (next_client.before or "")
            next_client.send("status\r")
            next_client.expect("Unknown role")  # taken as a role, not as a command
        assert "Traceback" not in cam.err
        console_log = (tmp_path / "evidence" / ".lapel" / "console.jsonl").read_text()
        assert "confidential-note" in console_log
        assert SECRET not in console_log + cam.out


async def test_a_wrong_secret_is_refused(tmp_path: Path) -> None:
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with picocom(line) as client:
            log_in(client, "wrong wrong wrong")
            client.expect("Wrong secret")
            client.expect("login: ")


async def test_a_program_uses_machine_mode(tmp_path: Path) -> None:
    with camera_with_console(tmp_path) as (cam, line):
        await cam.prints("buffering")
        with Client(str(line)) as program:
            program.log_in("service", SECRET)
            assert program.call("status")["verdict"] == "READY"
            program.call("record start 'factory test'")
            assert program.call("status")["standing"]["state"] == "recording"
            program.call("record stop done")
            with pytest.raises(ConsoleError, match="unknown command"):
                program.call("explode")
        with pytest.raises(ConsoleError), Client(str(line)) as program:
            program.log_in("service", "wrong wrong wrong")
        assert "Traceback" not in cam.err
