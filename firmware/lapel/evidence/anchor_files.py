"""The folder of an anchor, and where its heads come from."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lapel import files
from lapel.errors import EvidenceError
from lapel.evidence.anchor import Heads, Proof, Statement, encode_heads, parse_heads, parse_statement
from lapel.evidence.audit_lines import camera_folders, newest_head
from lapel.evidence.pem_keys import read_file

HEADS, STATEMENT, TOKEN = "heads.json", "anchor.txt", "token.tsr"
_LIMIT_BYTES = 16 * 1024 * 1024
"""Some 100,000 cameras."""


@dataclass(frozen=True, slots=True)
class StoredAnchor:
    """What a folder holds. `heads` is None where only one camera is shown, by a proof."""

    statement: Statement
    token: bytes
    heads: Heads | None


def read_heads(source: Path) -> Heads:
    """The newest heads: of a list as a JSON file, or of a folder of cameras' evidence folders. Raises EvidenceError."""
    if source.is_dir():
        return {camera: newest_head(folder) for camera, folder in camera_folders(source).items()}
    return _parsed_heads(source)


def require_new(folder: Path) -> None:
    """Raise EvidenceError where there is an anchor already: it is never replaced."""
    if (folder / TOKEN).exists():
        raise EvidenceError(f"{folder}: holds an anchor already; give another folder")


def write_anchor(folder: Path, statement: Statement, heads: Heads, token: bytes) -> None:
    """Store an anchor. Raises EvidenceError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.replace(folder / HEADS, encode_heads(heads))
        files.replace(folder / STATEMENT, statement.text().encode())
        files.replace(folder / TOKEN, token)
    except OSError as error:
        raise EvidenceError(f"{folder}: cannot be written: {error.strerror}") from error


def read_anchor(folder: Path) -> StoredAnchor:
    """Read an anchor. Raises EvidenceError."""
    text = read_file(folder / STATEMENT, _LIMIT_BYTES).decode(errors="replace")
    with _named(folder / STATEMENT):
        statement = parse_statement(text)
    heads = _parsed_heads(folder / HEADS) if (folder / HEADS).exists() else None
    return StoredAnchor(statement, read_file(folder / TOKEN, _LIMIT_BYTES), heads)


def read_proof(path: Path) -> Proof:
    """Read a proof. Raises EvidenceError."""
    try:
        return msgspec.json.decode(read_file(path, _LIMIT_BYTES), type=Proof)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{path}: is no proof: {error}") from error


def _parsed_heads(path: Path) -> Heads:
    data = read_file(path, _LIMIT_BYTES)
    with _named(path):
        return parse_heads(data)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in an error about its content."""
    try:
        yield
    except EvidenceError as error:
        raise EvidenceError(f"{path}: {error}") from error
