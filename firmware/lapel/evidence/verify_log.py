"""Verifies a camera's audit log, and that every recording in it is still there."""

from collections.abc import Iterator
from pathlib import Path

from lapel.audit_entry import DELETIONS, AuditPosition
from lapel.evidence.audit_log import AUDIT_FOLDER
from lapel.evidence.audit_reader import ReadLog, read_log
from lapel.evidence.trust import Trust
from lapel.evidence.verify import Finding, Report, verdict_of

LOG = "audit log"
"""Stands in a report where a recording has its id."""
_BEGUN = ("recording-started", "recording-saved", "recovered")


def verify_log(evidence: Path, trust: Trust, head: AuditPosition | None = None) -> Report:
    """Verify the log in an evidence folder; `head`: where it stood at some time. Raises EvidenceError."""
    log = read_log(evidence, trust)
    findings = [*_chain(log), *_head(log, head), *_recordings(evidence, log)]
    if not trust.authorities:
        findings.append(Finding("signer-unknown", "it is not known who signed it: give --trust", proves=False))
    elif log.untrusted:
        findings.append(Finding("signer-untrusted", log.untrusted))
    times = [one.entry.utc for one in log.entries]
    return Report(
        recording=LOG,
        folder=str(evidence / AUDIT_FOLDER),
        verdict=verdict_of(findings),
        findings=findings,
        camera=log.camera,
        start_time=times[0] if times else None,
    )


def _chain(log: ReadLog) -> Iterator[Finding]:
    for problem in log.problems:
        yield Finding("log-changed", f"{Path(problem.file).name}, line {problem.line}: {problem.reason}")


def _head(log: ReadLog, head: AuditPosition | None) -> Iterator[Finding]:
    if head is None:
        return
    if log.position.count < head.count:
        text = f"it ends with record {log.position.count}, but had {head.count}: its end was removed"
        yield Finding("log-shortened", text)
    elif log.hashes.get(head.count) != head.hash:
        yield Finding("log-replaced", f"record {head.count} is not the one that the camera reported")


def _recordings(evidence: Path, log: ReadLog) -> Iterator[Finding]:
    """Recordings that the log says were begun, that no entry says were deleted, and that are not there."""
    deleted = {one.entry.detail.get("recording") for one in log.entries if one.entry.event in DELETIONS}
    begun = dict.fromkeys(str(one.entry.detail.get("recording")) for one in log.entries if one.entry.event in _BEGUN)
    for recording in begun:
        if recording not in deleted and not (evidence / recording).is_dir():
            yield Finding(
                "recording-missing", f"{recording} was recorded and is not here; no entry says it was deleted"
            )
