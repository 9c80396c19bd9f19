"""The machine that is set up: this one, or a folder that holds the root of another."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lapel.errors import ConfigError
from lapel.files import replace

_PUBLIC, _FOLDER = 0o644, 0o755


class System:
    """Files and commands below a root folder."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    @property
    def is_running(self) -> bool:
        """Whether it is this machine, with systemd as its service manager."""
        return self.root == Path("/") and Path("/run/systemd/system").is_dir()

    def path(self, name: str) -> Path:
        """Where the file `name` of that system is from here."""
        return self.root / name.lstrip("/")

    def read(self, name: str) -> str:
        """A text file; empty where there is none."""
        try:
            return self.path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def write(self, name: str, text: str) -> None:
        """Replace a file, as a whole: a power cut must not leave half of `cmdline.txt`."""
        path = self.path(name)
        try:
            path.parent.mkdir(_FOLDER, parents=True, exist_ok=True)
            replace(path, text.encode(), _PUBLIC)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}; run it as root (sudo)") from error

    def remove(self, name: str) -> None:
        """Remove a file or link. Harmless when there is none."""
        self.path(name).unlink(missing_ok=True)

    def link(self, name: str, to: str) -> None:
        """Make the symbolic link `name`."""
        path = self.path(name)
        path.parent.mkdir(_FOLDER, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(to)

    def run(self, *command: str) -> None:
        """Run a command in that system. Raises ConfigError with its last line when it fails."""
        done = self._done(command)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise ConfigError(f"{' '.join(command)}: failed: {lines[-1] if lines else f'exit code {done.returncode}'}")

    def output(self, *command: str) -> str:
        """What a command prints there; empty where there is no such command."""
        return self._done(command).stdout

    def succeeds(self, *command: str) -> bool:
        """Whether a command succeeds there; False where there is no such command."""
        return self._done(command).returncode == 0

    def groups(self) -> set[str]:
        """The names of its groups."""
        return {line.split(":")[0] for line in self.read("/etc/group").splitlines()}

    def has_user(self, name: str) -> bool:
        """Whether it has this user."""
        return any(line.startswith(f"{name}:") for line in self.read("/etc/passwd").splitlines())

    def _done(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        where = [] if self.root == Path("/") else ["chroot", str(self.root)]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        try:
            return subprocess.run(
                [*where, *command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                env=environment,
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, 127, "", f"{error.filename}: {error.strerror}")
