"""The camera's own files, found by listing what a real camera opens: a new one must join `test_flipped_bits.py`."""

import sys
from pathlib import Path

from camera_folder import SECRET, write_camera_folder
from system import opened_files_command
from system.process import SMALL_SCENE, program
from system.technician import Client

READ_BACK = {
    "configuration.json",
    "outbox.sqlite",
    "outbox.sqlite-wal",
    "logins.json",
    "unconfirmed.json",
    "declarations.json",
    "wearer.json",
    "console.jsonl",
    "recording.json",
    "manifest.jsonl",
    "audit-000001.jsonl",
}
"""What `test_flipped_bits.py` damages; the log of the outbox in `link/test_sqlite_journal.py`."""
IDENTITY = {"key.pem", "certificate.pem"}
"""Damage to these is a fault, not set aside: `evidence/test_identity.py`."""
ONLY_WRITTEN = {".lapel.lock", ".lapel.probe", ".reserve", "video.mp4.part"}


async def test_every_file_that_a_camera_opens_is_known(tmp_path: Path) -> None:
    evidence, notes, line = tmp_path / "evidence", tmp_path / "notes", tmp_path / "line"
    evidence.mkdir()
    write_camera_folder(evidence)
    command = (
        sys.executable,
        opened_files_command.__file__,
        notes,
        "run",
        *SMALL_SCENE,
        "--evidence",
        evidence,
        "--broker",
        "mqtt://127.0.0.1:1",
    )
    with program(tmp_path, "camera", *command, "--console", f"pty:{line}") as cam:
        await cam.prints("buffering")
        with Client(line) as client:
            client.send_all(b"\r")
            client.expect(b"login: ")
            client.send_all(b"service\r")
            client.expect(b"secret: ")
            client.send_all(f"{SECRET}\r".encode())
            client.expect(b"buffering> ")
            client.send_all(b"record start drill\r")
            client.expect(b"recording> ")
            client.send_all(b"record stop done\r")
            client.expect(b"buffering> ")
        await cam.prints("saved ")
    assert cam.err == ""
    modes = {str(path.relative_to(evidence)): path.stat().st_mode & 0o777 for path in evidence.rglob("*")}
    others = {name: oct(mode) for name, mode in modes.items() if mode not in (0o600, 0o700)}
    assert others == {}, "readable for others"
    opened = {Path(one) for one in notes.read_text().splitlines()}
    own = {one.name.removesuffix(".tmp") for one in opened if evidence in one.parents and not one.is_dir()}
    assert own - ONLY_WRITTEN == READ_BACK | IDENTITY
