"""The trace of a run: one line per message and fault, in order. Equal hashes mean equal runs."""

import hashlib
from pathlib import Path
from typing import TextIO

from lapel.errors import StorageError


class Trace:
    """Hashes each line, and writes it to a file if there is one. The hash is that of the file."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises StorageError when the file cannot be written."""
        self._hash = hashlib.sha256()
        try:
            self._file: TextIO | None = path.open("w", encoding="utf-8") if path else None
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
        self.lines = 0

    def add(self, mono_s: float, subject: str, text: str) -> None:
        """Add a line. `subject` is a topic, a camera or `broker`."""
        line = f"{mono_s:.6f} {subject} {text}\n"
        self._hash.update(line.encode())
        self.lines += 1
        if self._file is not None:
            self._file.write(line)

    def close(self) -> str:
        """Close the file. Returns the SHA-256 in hexadecimal."""
        if self._file is not None:
            self._file.close()
            self._file = None
        return self._hash.hexdigest()
