"""Audit logs of several files for tests, with markers as records."""

from pathlib import Path

from evidence_keys import SIGNER
from lapel.evidence.audit_log import AUDIT_FOLDER
from lapel.evidence.chain import ChainWriter
from lapel.evidence.records import MarkerSet


def audit_lines(count: int, *, begin_s: float = 0.0) -> list[bytes]:
    """The lines of a log. Another `begin_s` gives another log."""
    lines: list[bytes] = []
    writer = ChainWriter(SIGNER, lines.append)
    for number in range(count):
        writer.add(MarkerSet(at_s=begin_s + number))
    return lines


def write_audit_log(evidence: Path, lines: list[bytes], *, lines_per_file: int = 4) -> None:
    """Write a log as a camera that rotates it after so many lines."""
    folder = evidence / AUDIT_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for number, start in enumerate(range(0, len(lines), lines_per_file), 1):
        (folder / f"audit-{number:06}.jsonl").write_bytes(b"".join(lines[start : start + lines_per_file]))
