"""The client of a run's control socket."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from lapel.config import suggestion
from lapel.errors import ConfigError, LinkError
from lapel_fleet.control.socket import run_directory
from lapel_fleet.control.socket.messages import Done, Refused, Request, answer_in, on_line
from lapel_fleet.runs.remote_error import remote_error

T = TypeVar("T", bound=Done)


class Client:
    """A connection to a run. Each call waits for its answer, however long that takes."""

    def __init__(self, run_id: str, line: socket.socket) -> None:
        self.run_id = run_id
        self._line, self._lines = line, line.makefile("rb")

    def request(self, request: Request, kind: type[T]) -> T:
        """The answer, of that kind. Raises LapelError with the run's error, LinkError when the run is gone."""
        try:
            self._line.sendall(on_line(request))
            line = self._lines.readline()
        except TimeoutError as error:
            raise LinkError(f"the run {self.run_id} does not answer") from error
        except OSError as error:
            raise LinkError(f"the run {self.run_id} is gone: {error.strerror}") from error
        if not line.endswith(b"\n"):
            raise LinkError(f"the run {self.run_id} is gone: it ended before it answered")
        answer = answer_in(line, kind)
        if isinstance(answer, Refused):
            raise remote_error(answer.error, answer.exit_code)
        return answer

    def wait_for_end(self) -> None:
        """Return when the run has ended."""
        self._lines.read()

    def close(self) -> None:
        """Close the connection."""
        self._lines.close()
        self._line.close()


@contextmanager
def client(run_id: str, inside: Path, limit_s: float | None = None) -> Iterator[Client]:
    """A connection to a run. Each answer may take `limit_s`; None: any time. Raises ConfigError for an unknown ID."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(limit_s)
        try:
            line.connect(os.fspath(run_directory.path_of(run_id, inside)))
        except OSError as error:
            raise ConfigError(f"--run {run_id}: there is no such run{_there(run_id, inside)}") from error
        one = Client(run_id, line)
        try:
            yield one
        finally:
            one.close()


def only_run(run_id: str | None, inside: Path) -> str:
    """The named run, or else the only one. Raises ConfigError."""
    if run_id is not None:
        return run_directory.checked_id(run_id)
    runs = run_directory.run_ids(inside)
    if not runs:
        raise ConfigError("no run can be controlled; start one with `lapel-fleet run SCENARIO --stepped`")
    if len(runs) > 1:
        raise ConfigError(f"choose a run with --run: {', '.join(runs)}")
    return runs[0]


def _there(run_id: str, inside: Path) -> str:
    runs = run_directory.run_ids(inside)
    return suggestion(run_id, runs) if runs else "; none can be controlled at the moment"
