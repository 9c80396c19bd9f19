"""The control sockets of running fleets: one per run, named after it, in a folder that only its user can enter."""

import contextlib
import fcntl
import os
import re
import secrets
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lapel.errors import ConfigError, StorageError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_SUFFIX = ".sock"
_PATH_LIMIT_BYTES = 107
"""The kernel's, of a socket's path."""
_WAITING_CALLS = 16


def new_id() -> str:
    """A random ID for a run that was given none."""
    return secrets.token_hex(2)


def checked_id(run_id: str) -> str:
    """`run_id`. Raises ConfigError when it is no valid ID."""
    if not _ID.fullmatch(run_id):
        raise ConfigError(f"--run {run_id[:40]!r}: at most 32 letters, digits, - and _, neither of these first")
    return run_id


def folder(environment: Mapping[str, str] = os.environ, temporary: Path | None = None) -> Path:
    """The user's private folder for sockets, made if it is missing: in `$XDG_RUNTIME_DIR`, else in `temporary`
    (default: the machine's). Raises StorageError when other users can enter it, or it cannot be made.
    """
    runtime = environment.get("XDG_RUNTIME_DIR")
    others = temporary or Path(tempfile.gettempdir())
    path = Path(runtime) / "lapel-fleet" if runtime else others / f"lapel-fleet-{os.getuid()}"
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700, parents=True)
        found = path.lstat()
    except OSError as error:
        raise StorageError(f"{path}: cannot be made for the sockets of runs: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StorageError(
            f"{path}: must be a folder of yours that no other user can enter; remove it, or chmod 700 it"
        )
    return path


def path_of(run_id: str, inside: Path) -> Path:
    """The path of a run's socket. Raises ConfigError when it is longer than the kernel allows."""
    path = inside / f"{run_id}{_SUFFIX}"
    if len(os.fsencode(path)) > _PATH_LIMIT_BYTES:
        raise ConfigError(f"{path}: too long for a socket; set XDG_RUNTIME_DIR to a shorter folder of yours")
    return path


def run_ids(inside: Path) -> list[str]:
    """The runs that accept connections. Sockets that killed runs left behind are ignored."""
    return sorted(path.name.removesuffix(_SUFFIX) for path in inside.glob(f"*{_SUFFIX}") if _answers(path))


@contextmanager
def taken(run_id: str, inside: Path) -> Iterator[socket.socket]:
    """A listening socket with that name while the block runs. Raises ConfigError when another run has the name,
    StorageError when the socket cannot be made.
    """
    path = path_of(run_id, inside)
    with socket.socket(socket.AF_UNIX) as listening:
        try:
            _listen(listening, run_id, path)
        except OSError as error:
            raise StorageError(f"{path}: cannot be made: {error.strerror}") from error
        try:
            yield listening
        finally:
            path.unlink(missing_ok=True)  # before it is closed, so that it never looks like a leftover


def _listen(listening: socket.socket, run_id: str, path: Path) -> None:
    with _one_at_a_time(path.parent):
        if _answers(path):
            raise ConfigError(f"--run {run_id}: there is such a run already; choose another ID, or end that one")
        path.unlink(missing_ok=True)  # a run that was killed left it behind
        listening.bind(os.fspath(path))
        path.chmod(0o600)
        listening.listen(_WAITING_CALLS)


@contextmanager
def _one_at_a_time(inside: Path) -> Iterator[None]:
    """A lock on the folder: of two runs that start at once, the second finds the first."""
    descriptor = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _answers(path: Path) -> bool:
    """Whether a process listens there; one that is too busy does."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:
            return True
    return True
