"""Where runs can be found: a socket each, named after the run, in a folder that is nobody else's."""

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


def drawn_id() -> str:
    """A name for a run that has none."""
    return secrets.token_hex(2)


def checked_id(run_id: str) -> str:
    """The same again. Raises ConfigError for what cannot be a run's name."""
    if not _ID.fullmatch(run_id):
        raise ConfigError(f"--run {run_id[:40]!r}: at most 32 letters, digits, - and _, neither of these first")
    return run_id


def folder(environment: Mapping[str, str] = os.environ, temporary: Path | None = None) -> Path:
    """Ours alone, made where it is missing; in the `temporary` folder where there is no other for such things (default:
    the machine's). Raises StorageError when it is not ours alone or cannot be made.
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
        raise StorageError(f"{path}: must be a folder of yours that nobody else can enter; remove it, or chmod 700 it")
    return path


def path_of(run_id: str, inside: Path) -> Path:
    """Of that run's socket. Raises ConfigError where the kernel allows none so long."""
    path = inside / f"{run_id}{_SUFFIX}"
    if len(os.fsencode(path)) > _PATH_LIMIT_BYTES:
        raise ConfigError(f"{path}: too long for a socket; set XDG_RUNTIME_DIR to a shorter folder of yours")
    return path


def there(inside: Path) -> list[str]:
    """The runs that can be spoken to. What a killed one left behind is passed over."""
    return sorted(path.name.removesuffix(_SUFFIX) for path in inside.glob(f"*{_SUFFIX}") if _answers(path))


@contextmanager
def taken(run_id: str, inside: Path) -> Iterator[socket.socket]:
    """A socket that listens under that name while the block runs. Raises ConfigError when another run has it,
    StorageError when it cannot be made.
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
            path.unlink(missing_ok=True)  # before it is closed: nobody may take it for one that is left over


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
    """Of two runs that begin at once, the second sees the first."""
    descriptor = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _answers(path: Path) -> bool:
    """Whether somebody listens there; one who is too busy does."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:
            return True
    return True
