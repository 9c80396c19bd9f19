"""The technician's console on a real pty: picocom at the other end, driven by pexpect; and programs."""

from pathlib import Path

import pexpect
import pytest

from lapel.console.client import Client
from lapel.errors import ConsoleError
from system.technician import SECRET, picocom, serviced


def log_in(client: "pexpect.spawn[str]", secret: str = SECRET) -> None:
    client.send("\r")
    client.expect("login: ")
    client.send("service\r")
    client.expect("secret: ")
    client.send(f"{secret}\r")


async def test_a_technician_logs_in_records_hangs_up_and_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
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
            client.send("note my-own-words\r")
            client.expect("buffering> ")
        with picocom(line) as next_client:
            next_client.send("\r")
            next_client.expect("login: ")
            assert "my-own-words" not in (next_client.before or "")
            next_client.send("status\r")
            next_client.expect("The roles are")  # no command without a login
        assert "Traceback" not in cam.err
        record = (tmp_path / "evidence" / ".lapel" / "console.jsonl").read_text()
        assert "my-own-words" in record
        assert SECRET not in record + cam.out


async def test_a_wrong_secret_opens_nothing(tmp_path: Path) -> None:
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        with picocom(line) as client:
            log_in(client, "wrong wrong wrong")
            client.expect("not right")
            client.expect("login: ")


async def test_a_program_speaks_json(tmp_path: Path) -> None:
    with serviced(tmp_path) as (cam, line):
        await cam.says("buffering")
        with Client(str(line)) as program:
            program.log_in("service", SECRET)
            assert program.call("status")["verdict"] == "READY"
            program.call("record start 'factory test'")
            assert program.call("status")["standing"]["state"] == "recording"
            program.call("record stop done")
            with pytest.raises(ConsoleError, match="is no command"):
                program.call("explode")
        with pytest.raises(ConsoleError), Client(str(line)) as program:
            program.log_in("service", "wrong wrong wrong")
        assert "Traceback" not in cam.err
