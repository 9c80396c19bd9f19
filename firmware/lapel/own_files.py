"""Files that a camera writes for itself and reads back later: JSON documents with a checksum.

Their content is not trusted. Storage cards flip bits, people edit files, and a link, a pipe or a folder may be where
a file is expected. A file that cannot be used is renamed (`configuration.json.damaged-1`), never deleted; the camera
goes on with what is safe, and reports it (`DamageReports`).

The checksum detects decay, not forgery: a program that can write the file can also write the checksum.
"""

import contextlib
import os
import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lapel.errors import DamagedFileError, StorageError
from lapel.files import PRIVATE_FOLDER, is_regular_file, read_regular_file, replace, sync_folder

T = TypeVar("T")

MAX_BYTES = 16 * 1024 * 1024
"""A longer file was not written by a camera: its longest, a `recording.json` with many gaps, has some 10 KB."""

_CHECKSUM = re.compile(rb'\A\{\n  "checksum": "([0-9a-f]{8})",')
_UNUSABLE = (msgspec.DecodeError, msgspec.ValidationError, RecursionError, ValueError, LookupError, OverflowError)
"""What decoding a document, or checking its content, can raise."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of the camera's own that could not be used."""

    file: str
    reason: str
    kept_as: str
    """Name under which it was set aside; empty when it stayed where it is."""

    def __str__(self) -> str:
        kept = f"kept as {self.kept_as}" if self.kept_as else "it could not be renamed"
        return f"{self.file}: cannot be used ({self.reason}); {kept}"


class DamageReports:
    """Collects damage from wherever files are read, until the camera reports it. May be used from any thread."""

    def __init__(self) -> None:
        self._found: list[Damage] = []
        self._lock = threading.Lock()

    def add(self, damage: Damage) -> None:
        """Add a finding."""
        with self._lock:
            self._found.append(damage)

    def take(self) -> list[Damage]:
        """What was added since the last call."""
        with self._lock:
            found, self._found = self._found, []
        return found


def encode(document: Any) -> bytes:
    """A document as indented JSON, with a checksum of it as its first field. It must have at least one field."""
    body = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    return b'{\n  "checksum": "%08x",' % zlib.crc32(body) + body[1:]


def decode(text: bytes, type_: type[T]) -> T:
    """The document in `text`. One without a checksum is accepted, since earlier versions wrote none.

    Raises DamagedFileError.
    """
    if found := _CHECKSUM.match(text):
        text = b"{" + text[found.end() :]
        if zlib.crc32(text) != int(found[1], 16):
            raise DamagedFileError("its checksum is wrong")
    try:
        return msgspec.json.decode(text, type=type_)
    except _UNUSABLE as error:
        raise DamagedFileError(_reason(error)) from error


def write(path: Path, document: Any, *, make_folder: bool = False) -> None:
    """Replace the file atomically, readable for its owner only. Raises OSError.

    `make_folder`: make the folder that holds it, if there is none.
    """
    if make_folder:
        path.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    replace(path, encode(document))


def read(path: Path, type_: type[T]) -> T:
    """The document in a file. Raises FileNotFoundError, DamagedFileError, or OSError when the disk does not give it."""
    if os.path.lexists(path) and not is_regular_file(path):
        raise DamagedFileError("it is not a regular file")
    text = read_regular_file(path, MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise DamagedFileError(f"it is longer than {MAX_BYTES} bytes")
    return decode(text, type_)


def read_or_set_aside(
    path: Path, type_: type[T], damage: DamageReports, check: Callable[[T], object] = lambda _: None
) -> T | None:
    """The document in a file, or None when there is none or it was set aside. `check` may raise ValueError (ConfigError
    is one) for a document that can be decoded and makes no sense.

    Raises StorageError when the disk does not give the file.
    """
    try:
        document = read(path, type_)
        check(document)
    except FileNotFoundError:
        return None
    except (DamagedFileError, *_UNUSABLE) as error:
        damage.add(set_aside(path, _reason(error)))
        return None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}; check the disk") from error
    return document


def set_aside(path: Path, reason: str) -> Damage:
    """Rename a file that cannot be used. Never raises: if renaming fails the file stays; the result has the error."""
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    aside = next(name for name in names if not os.path.lexists(name))
    try:
        path.rename(aside)
    except OSError as error:
        return Damage(str(path), f"{reason}; renaming it: {error.strerror}", "")
    with contextlib.suppress(OSError):
        sync_folder(path.parent)
    return Damage(str(path), reason, aside.name)


def _reason(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
