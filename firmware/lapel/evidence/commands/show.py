"""Show a recording's manifest in words: who recorded what, when and why, and what happened meanwhile.

Exit codes: 0 the manifest is intact; 1 it is not. The video is not read: `lapel-evidence verify` does that.
"""

import argparse
from pathlib import Path

import msgspec

from lapel.errors import EvidenceError
from lapel.evidence.description import facts, happenings
from lapel.evidence.manifest import MANIFEST
from lapel.evidence.manifest_reader import ReadManifest, read_manifest
from lapel.sanitize import plain

NAME = "show"
HELP = "show a recording's manifest in words"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="folder of the recording")
    parser.add_argument("--json", action="store_true", help="print its records as a JSON array")


def run(options: argparse.Namespace) -> int:
    """Show one manifest."""
    manifest = manifest_of(options.recording)
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(manifest.records)).decode())
    else:
        _print(manifest)
    return 1 if manifest.problems else 0


def manifest_of(recording: Path) -> ReadManifest:
    """The manifest of the recording in a folder. Raises EvidenceError."""
    try:
        return read_manifest(recording / MANIFEST)
    except OSError as error:
        raise EvidenceError(f"{recording / MANIFEST}: cannot be read: {error.strerror}") from error


def _print(manifest: ReadManifest) -> None:
    for label, value in facts(manifest):
        print(f"{label:<16}  {plain(value)}")
    lines = [f"{'' if at_s is None else f'{at_s:.3f} s':>12}  {plain(text)}" for at_s, text in happenings(manifest)]
    if lines:
        print("", *lines, sep="\n")
    for problem in manifest.problems:
        print(f"not intact: line {problem.line}: {plain(problem.reason)}")
