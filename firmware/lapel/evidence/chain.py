"""A chain of signed records: the form of a clip's manifest and of the audit log.

Each line of the file is one record and its signature:

    {"record":{"kind":"marker","number":7,"previous":"9f0c…", …},"signature":"MEUC…"}

* `record` is JSON with sorted keys and without spaces; the signature is of exactly these bytes.
* `previous` is the SHA-256 of the line before, with its line feed, in hex; null in the first line.
* `signature` is base64 of a DER-encoded ECDSA signature (`signing.py`).

So `sed`, `sha256sum` and `openssl` are enough to check a chain, which cannot lose, gain or swap a line unnoticed.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from lapel.evidence.signing import Signer

_LINE = re.compile(rb'\{"record":(\{.*\}),"signature":"([^"]*)"\}\n')
_COMPLETE = re.compile(rb'\{"record":\{.*\},"signature":"[^"]*"\}.')
LINE_MAX_BYTES = 1024 * 1024
"""A longer line was not written by a camera: the longest, a close record with many gaps, has some 10 KB."""
canonical = msgspec.json.Encoder(order="sorted").encode
"""JSON as it is signed: sorted keys, no spaces."""


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A record of a chain. Its writer leaves `number` and `previous` to the chain."""

    number: int = 0
    """Counts from 1."""
    previous: str | None = None
    """SHA-256 of the line before; None in the first record."""


@dataclass(frozen=True, slots=True)
class Link:
    """A position in a chain: how many records there are, and the hash of the last line."""

    count: int = 0
    head: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line that can be read; whether it is signed and follows the one before is for its reader to check."""

    record: bytes
    signature: bytes
    sha256: str


class DamagedLine(Exception):
    """A line that is no record as a camera writes it."""


class CutLine(DamagedLine):
    """The beginning of a line: what a lost session leaves, too, when power fails while it writes."""


def seal(record: Record, after: Link, signer: Signer) -> tuple[bytes, Link]:
    """The line of `record` at its place in the chain, and the position after it."""
    placed = msgspec.structs.replace(record, number=after.count + 1, previous=after.head)
    content = canonical(placed)
    signature = base64.b64encode(signer.sign(content))
    line = b'{"record":' + content + b',"signature":"' + signature + b'"}\n'
    return line, Link(after.count + 1, line_hash(line))


def lines_in(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, each with its line feed. Raises OSError."""
    return iter(lambda: file.readline(LINE_MAX_BYTES), b"")


def line_hash(line: bytes) -> str:
    """SHA-256 of a line with its line feed, in hex."""
    return hashlib.sha256(line).hexdigest()


def parse_line(line: bytes) -> Line:
    """Read a line. Raises DamagedLine unless it is, byte for byte, as a camera would have written it;
    CutLine when only its end is missing.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        is_cut = not line.endswith(b"\n") and not _COMPLETE.fullmatch(line)
        raise CutLine("is cut off") if is_cut else DamagedLine("is not a record with its signature")
    try:
        signature = base64.b64decode(found[2], validate=True)
        content: Any = msgspec.json.decode(found[1])
        same = base64.b64encode(signature) == found[2] and canonical(content) == found[1]
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DamagedLine(f"cannot be read: {error}") from error
    if not same:
        raise DamagedLine("is not in the form that a camera writes")
    return Line(found[1], signature, line_hash(line))


class ChainWriter:
    """Appends signed records to a sink that syncs what it is given. Not thread-safe.

    Records are staged, which fixes their place and signature, and then committed with one write.
    """

    def __init__(self, signer: Signer, append: Callable[[bytes], None], after: Link = Link()) -> None:
        """`append` writes and syncs; it raises when the disk does not take the lines, and the chain stays as it was.

        `after`: where the chain stands already.
        """
        self._signer, self._append = signer, append
        self._committed = self._staged = after
        self._lines: list[bytes] = []

    @property
    def position(self) -> Link:
        """Where the chain stands, with what is staged."""
        return self._staged

    def stage(self, record: Record) -> None:
        """Give a record the next place."""
        line, self._staged = seal(record, self._staged, self._signer)
        self._lines.append(line)

    def commit(self) -> None:
        """Write what is staged. Raises what `append` raises; then it is staged no more."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            self._append(b"".join(lines))
        except BaseException:
            self._staged = self._committed
            raise
        self._committed = self._staged

    def discard(self) -> None:
        """Forget what is staged."""
        self._lines, self._staged = [], self._committed

    def add(self, *records: Record) -> None:
        """Stage records and commit them."""
        for record in records:
            self.stage(record)
        self.commit()
