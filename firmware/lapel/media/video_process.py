"""A child process that writes video to a pipe, such as `rpicam-vid`. Belongs to one thread."""

import os
import select
import subprocess
import tempfile
from collections.abc import Sequence

from lapel.errors import VideoError

_ENDING_S = 2.0
_COMPLAINT_BYTES = 2_000


class VideoProcess:
    """The running child. Each of its pipes is read with a time limit: a driver that hangs must not hang the camera."""

    def __init__(self, name: str, command: Sequence[str], hint: str) -> None:
        """Start `command`; in its arguments `{times}` stands for the path of a second pipe, which `read_times` reads.

        `hint`: what to do when there is no such command. Raises VideoError.
        """
        self._name, self._command = name, command[0]
        self._times, to_times = os.pipe()
        # A file and not a pipe: a child that complains a lot must not block on it.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [part.format(times=f"/dev/fd/{to_times}") for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                pass_fds=[to_times],
            )
        except OSError as error:
            os.close(self._times)
            self._complaints.close()
            raise VideoError(f"{name}: {command[0]} cannot be started: {error.strerror}; {hint}") from error
        finally:
            os.close(to_times)
        assert self._process.stdout is not None
        self._out = self._process.stdout.fileno()
        self._line = b""

    def read_into(self, into: memoryview, within_s: float) -> int:
        """Read what there is, up to the size of `into`; how much it was. Raises VideoError when nothing comes."""
        readable, _, _ = select.select([self._out], [], [], within_s)
        if not readable:
            raise VideoError(f"{self._name}: {self._command} delivers nothing for {within_s:g} s")
        count = os.readv(self._out, [into])
        if not count:
            raise VideoError(f"{self._name}: {self._command} has ended: {self._reason()}")
        return count

    def read_times(self, within_s: float) -> list[bytes]:
        """The lines that came on the second pipe since the last call; waits for the first that long."""
        readable, _, _ = select.select([self._times], [], [], within_s)
        if not readable:
            return []
        *lines, self._line = (self._line + os.read(self._times, 65_536)).split(b"\n")
        return lines

    def close(self) -> None:
        """End the child, kindly first. Harmless when closed."""
        if self._complaints.closed:
            return
        self._process.terminate()
        try:
            self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        os.close(self._times)
        self._complaints.close()

    def _reason(self) -> str:
        """Its last line of complaint, and how it ended."""
        try:
            code = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            return "it has closed its output"
        self._complaints.seek(max(0, self._complaints.tell() - _COMPLAINT_BYTES))
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        ended = f"exit code {code}" if code >= 0 else f"signal {-code}"
        return f"{lines[-1].strip()} ({ended})" if lines else ended
