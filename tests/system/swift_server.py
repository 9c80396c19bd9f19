"""A real OpenStack Swift on loopback: proxy, account, container and object server as child processes, one replica, a
folder as its only device, users by tempauth, and its S3 API.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from lapel.clock import SystemClock

_BACKENDS = ("account", "container", "object")
_PATIENCE_S = 60.0
USER, SECRET = "bodycams:uploader", "let-me-in"


@dataclass(frozen=True)
class SwiftServer:
    """Where it listens, and its processes."""

    port: int
    folder: Path
    ports: list[int]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Of its token service."""
        return f"http://127.0.0.1:{self.port}/auth/v1.0"

    @property
    def s3_address(self) -> str:
        """Of its S3 API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What its servers print."""
        return self.folder / "log"

    def start(self) -> None:
        """Start its servers, and wait until they answer."""
        for role in (*_BACKENDS, "proxy"):
            self.processes.append(_start(self.folder, role, self.log))
        _wait_until_it_answers(self)

    def kill(self) -> None:
        """SIGKILL to every server. What was stored stays."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def update_listings(self) -> None:
        """Do at once what Swift's updaters do every few minutes: enter in the listings what was stored while the server
        that keeps them was down.
        """
        for role in ("object-updater", "container-updater"):
            assert _start(self.folder, role, self.log).wait(_PATIENCE_S) == 0, self.log.read_text()[-4000:]


@contextmanager
def swift_server(folder: Path) -> Iterator[SwiftServer]:
    """A Swift with its data in `folder`, until the end of the block. Skips, or fails, where Swift is not installed."""
    _require_swift(folder)
    ports = dict(zip(("proxy", *_BACKENDS), _free_ports(4), strict=True))
    _configure(folder, ports)
    server = SwiftServer(ports["proxy"], folder, list(ports.values()))
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _require_swift(folder: Path) -> None:
    missing = "" if find_spec("swift") else "swift is not installed"
    try:
        os.setxattr(folder, b"user.swift.metadata", b"x" * 2_000)
    except OSError as error:
        missing = f"{folder}: Swift needs extended attributes there: {error.strerror}"
    if missing:
        (pytest.fail if os.environ.get("LAPEL_REAL") == "1" else pytest.skip)(missing)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _start(folder: Path, role: str, log: Path) -> subprocess.Popen[bytes]:
    configuration = folder / f"{role.partition('-')[0]}.conf"
    command = [sys.executable, str(Path(__file__).with_name("swift_command.py")), role, str(configuration)]
    with log.open("ab") as out:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)


def _wait_until_it_answers(server: SwiftServer) -> None:
    clock, waiting = SystemClock(), list(server.ports)
    deadline_s = clock.mono_s() + _PATIENCE_S
    while waiting:
        if clock.mono_s() > deadline_s or any(one.poll() is not None for one in server.processes):
            pytest.fail(f"Swift does not answer; {server.log.read_text(errors='replace')[-4000:]}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", waiting[0]), 0.1):
            waiting.pop(0)


def _configure(folder: Path, ports: dict[str, int]) -> None:
    device = folder / "devices" / "disk"
    device.mkdir(parents=True)
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = lapel\n[storage-policy:0]\nname = gold\ndefault = yes\n"
    )
    for role in _BACKENDS:
        _make_ring(folder / f"{role}.ring.gz", ports[role])
        (folder / f"{role}.conf").write_text(_backend(folder, role, ports[role]))
    (folder / "proxy.conf").write_text(_proxy(folder, ports["proxy"]))


def _make_ring(path: Path, port: int) -> None:
    from swift.common.ring import RingBuilder

    builder = RingBuilder(1, 1, 0)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1.0})
    builder.rebalance()
    builder.get_ring().save(str(path))


def _defaults(folder: Path, port: int) -> str:
    user = os.environ.get("USER") or "root"
    return (
        f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\nuser = {user}\nswift_dir = {folder}\n"
        f"devices = {folder / 'devices'}\nmount_check = false\ndisable_fallocate = true\nlog_level = WARNING\n"
    )


def _backend(folder: Path, role: str, port: int) -> str:
    return (
        f"{_defaults(folder, port)}\n[pipeline:main]\npipeline = {role}-server\n"
        f"[app:{role}-server]\nuse = egg:swift#{role}\n[{role}-updater]\n"
    )


def _proxy(folder: Path, port: int) -> str:
    account, user = USER.split(":")
    filters = "catch_errors gatekeeper s3api tempauth slo dlo proxy-logging"
    return (
        f"{_defaults(folder, port)}\n[pipeline:main]\npipeline = {filters} proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\n"
        "[filter:tempauth]\nuse = egg:swift#tempauth\n"
        f"user_{account}_{user} = {SECRET} .admin\n"
        f"fernet_key_one = {'A' * 43}=\nactive_fernet_key_id = one\n"
        "[filter:s3api]\nuse = egg:swift#s3api\ns3_acl = false\ncheck_bucket_owner = false\nlocation = us-east-1\n"
        "min_segment_size = 1048576\n"
        "[filter:slo]\nuse = egg:swift#slo\nmin_segment_size = 1\n[filter:dlo]\nuse = egg:swift#dlo\n"
        "[filter:catch_errors]\nuse = egg:swift#catch_errors\n[filter:gatekeeper]\nuse = egg:swift#gatekeeper\n"
        "[filter:proxy-logging]\nuse = egg:swift#proxy_logging\n"
    )
