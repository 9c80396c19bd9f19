"""Verifies a recording: that its manifest is the camera's, that nothing is missing, and that its files are unchanged.

Needs no camera and no private key: encrypted fragments are checked as they are stored.
"""

import base64
import contextlib
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from lapel import own_files
from lapel.errors import EvidenceError
from lapel.evidence.disk import ACCOUNT, UnreadableAccount, read_account, video_of
from lapel.evidence.fragment_check import FileProblem, check_fragments, sha256_of
from lapel.evidence.manifest import MANIFEST, seconds
from lapel.evidence.manifest_reader import Problem, ReadManifest, read_manifest
from lapel.evidence.records import Close, FragmentStored, Recovered
from lapel.evidence.signing import key_id
from lapel.evidence.trust import Trust
from lapel.files import is_regular_file, read_regular_file
from lapel.recording import LATER_FIELDS, Account


class Verdict(StrEnum):
    """What can be said of a recording."""

    INTACT = "intact"
    NOT_INTACT = "not intact"
    CANNOT_SAY = "cannot say"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is wrong with a recording, or that keeps it from being called intact."""

    kind: str
    message: str
    from_s: float | None = None
    """Where on the recording's time line it begins; None when it concerns the whole recording."""
    to_s: float | None = None
    proves: bool = True
    """Whether it proves that the recording is not intact; else it only cannot be said."""


class Report(msgspec.Struct, kw_only=True):
    """The result of verifying one recording."""

    recording: str
    folder: str
    verdict: Verdict
    findings: list[Finding]
    camera: str = ""
    """`agency/site/camera`, by its manifest."""
    key_id: str = ""
    """SHA-256 of the key that signed it, in hex."""
    start_time: str | None = None
    duration_s: float = 0.0
    fragments: int = 0
    size_bytes: int = 0


def verify_recording(folder: Path, trust: Trust) -> Report:
    """Verify the recording in a folder. Raises OSError when the disk does not give its files."""
    try:
        manifest = read_manifest(folder / MANIFEST)
    except (EvidenceError, FileNotFoundError) as error:
        findings = [_without_manifest(folder, error)]
        return Report(recording=folder.name, folder=str(folder), verdict=verdict_of(findings), findings=findings)
    findings = [*_records(manifest), *_files(folder, manifest), *_ending(folder, manifest), *_signer(manifest, trust)]
    account, fragments = manifest.opened.account, manifest.fragments
    return Report(
        recording=account.recording,
        folder=str(folder),
        verdict=verdict_of(findings),
        findings=findings,
        camera=account.address,
        key_id=key_id(manifest.key),
        start_time=fragments[0].utc if fragments else account.trigger_time,
        duration_s=_end_s(fragments[-1]) if fragments else 0.0,
        fragments=len(fragments),
        size_bytes=sum(one.length for one in fragments),
    )


def verdict_of(findings: list[Finding]) -> Verdict:
    """What the findings amount to."""
    if any(finding.proves for finding in findings):
        return Verdict.NOT_INTACT
    return Verdict.CANNOT_SAY if findings else Verdict.INTACT


def _without_manifest(folder: Path, error: Exception) -> Finding:
    """A session that is lost before it has written its first record leaves no video either."""
    if isinstance(error, EvidenceError):
        return Finding("manifest-unusable", str(error), proves=video_of(folder) is not None)
    return Finding("manifest-missing", "it has no manifest, so nothing about it can be proved")


def _records(manifest: ReadManifest) -> Iterator[Finding]:
    for problem in manifest.problems:
        is_torn = problem.kind == "record-cut" and manifest.ending is None
        yield Finding(problem.kind, problem.reason, *_around(manifest, problem), proves=not is_torn)


def _around(manifest: ReadManifest, problem: Problem) -> tuple[float, float | None]:
    """From the end of the last fragment before a problem to the start of the first one after it."""
    before = [one for one in manifest.records[: problem.after_record + 1] if isinstance(one, FragmentStored)]
    after = [one for one in manifest.records[problem.after_record + 1 :] if isinstance(one, FragmentStored)]
    from_s = _end_s(before[-1]) if before else 0.0
    to_s = seconds(after[0].start_ticks) if after else None
    return from_s, max(from_s, to_s) if to_s is not None else None


def _files(folder: Path, manifest: ReadManifest) -> Iterator[Finding]:
    path = video_of(folder)
    for problem in check_fragments(path, manifest.fragments):
        yield _file_finding(problem, is_open=manifest.ending is None)


def _file_finding(problem: FileProblem, *, is_open: bool) -> Finding:
    """Bytes after the last fragment prove nothing while the camera has not recovered the clip."""
    return Finding(
        problem.kind,
        problem.reason,
        problem.from_s,
        problem.to_s,
        proves=not (is_open and problem.kind == "extra-bytes"),
    )


def _ending(folder: Path, manifest: ReadManifest) -> Iterator[Finding]:
    ending = manifest.ending
    if ending is None:
        yield _not_closed(folder, manifest)
        return
    if isinstance(ending, Recovered):
        text = f"interrupted, and recovered by its camera at {ending.utc}: {ending.reason}"
        yield Finding("interrupted", text, _last_s(manifest), None, proves=False)
        yield from _tails(folder, ending)
    yield from _counts(manifest, ending)
    yield from _account(folder / ACCOUNT, ending)


def _not_closed(folder: Path, manifest: ReadManifest) -> Finding:
    """Interrupted, as a rule. But `recording.json` is *complete* only once the last record is on disk."""
    last_s = _last_s(manifest)
    with contextlib.suppress(UnreadableAccount):
        account = read_account(folder)
        if account is not None and account.status == "complete":
            return Finding("end-removed", f"{ACCOUNT} says complete, but the last record is missing", last_s, None)
    return Finding("not-closed", "interrupted: it was not closed by its camera", last_s, None, proves=False)


def _counts(manifest: ReadManifest, ending: Close | Recovered) -> Iterator[Finding]:
    fragments = manifest.fragments
    found = (len(fragments), sum(one.length for one in fragments))
    if found != (ending.fragments, ending.bytes):
        text = (
            f"its last record counts {ending.fragments} fragments with {ending.bytes} bytes; the records before it "
            f"describe {found[0]} with {found[1]}"
        )
        yield Finding("count-wrong", text)


def _account(path: Path, ending: Close | Recovered) -> Iterator[Finding]:
    """`recording.json` is a copy for people; the manifest has the account that is signed."""
    if not is_regular_file(path):
        yield Finding("account-missing", f"{path.name} is missing; what it said is in the manifest")
    elif not _is_account(read_regular_file(path, own_files.MAX_BYTES), ending.account):
        yield Finding("account-changed", f"{path.name} differs from the account that the camera signed")


def _is_account(text: bytes, account: Account) -> bool:
    """Whether `text` is the document that the camera wrote for `account`, byte by byte. An earlier firmware did not
    write all fields; those that are empty here may be absent.
    """
    if text == own_files.encode(account):
        return True
    earlier = msgspec.to_builtins(account)
    for name in LATER_FIELDS:
        if not earlier[name] and f'"{name}"'.encode() not in text:
            del earlier[name]
    return text == own_files.encode(earlier)


def _tails(folder: Path, ending: Recovered) -> Iterator[Finding]:
    for tail in filter(None, (ending.video_tail, ending.manifest_tail)):
        path = folder / tail.kept_as
        if not is_regular_file(path):
            yield Finding("tail-missing", f"{tail.kept_as}, which the camera kept at recovery, is missing")
        elif sha256_of(path) != tail.sha256:
            yield Finding("tail-changed", f"{tail.kept_as} is not as the camera kept it at recovery")


def _signer(manifest: ReadManifest, trust: Trust) -> Iterator[Finding]:
    if not trust.authorities:
        text = (
            f"it is not known who signed it: give --trust with the authority's certificate (key {key_id(manifest.key)})"
        )
        yield Finding("signer-unknown", text, proves=False)
        return
    certificates = [base64.b64decode(one) for one in manifest.opened.certificates]
    reason = trust.refusal(certificates, datetime.fromisoformat(manifest.opened.utc))
    if reason is not None:
        yield Finding("signer-untrusted", reason)


def _last_s(manifest: ReadManifest) -> float:
    fragments = manifest.fragments
    return _end_s(fragments[-1]) if fragments else 0.0


def _end_s(fragment: FragmentStored) -> float:
    return seconds(fragment.end_ticks)
