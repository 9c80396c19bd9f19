"""What happened in a run, a line each, in its order; and a hash that says whether two runs agree."""

import hashlib
from pathlib import Path
from typing import TextIO

from lapel.errors import StorageError


class Trace:
    """Hashes every line, and writes it to a file where one is wanted. The hash is that of the file."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises StorageError when the file cannot be written."""
        self._hash = hashlib.sha256()
        try:
            self._file: TextIO | None = path.open("w", encoding="utf-8") if path else None
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
        self.lines = 0

    def add(self, mono_s: float, who: str, what: str) -> None:
        """At `mono_s`, this happened to `who`."""
        line = f"{mono_s:.6f} {who} {what}\n"
        self._hash.update(line.encode())
        self.lines += 1
        if self._file is not None:
            self._file.write(line)

    def close(self) -> str:
        """No more lines. The SHA-256 in hexadecimal."""
        if self._file is not None:
            self._file.close()
            self._file = None
        return self._hash.hexdigest()
