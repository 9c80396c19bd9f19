"""Answers for one moment from a camera's evidence folder, as its console asks."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from lapel.evidence.audit_reader import read_log
from lapel.evidence.ledger import ledger_of, why
from lapel.evidence.recorded_footage import footage_of
from lapel.evidence.trust import Trust
from lapel.recording import Account

_NEAR = timedelta(days=1)
"""Clips that were started within this time are read: all of a full card would take minutes."""


def why_in_folder(evidence: Path, accounts: Iterable[Account], at: datetime) -> str:
    """Why there is a recording of a moment, or why there is none. Blocks. Raises EvidenceError.

    `accounts`: of the clips in the folder.
    """
    log = read_log(evidence, Trust())
    near = (one.recording for one in accounts if abs(datetime.fromisoformat(one.trigger_time) - at) < _NEAR)
    answer = why(ledger_of(log.entries, footage_of(evidence / recording for recording in near)), at)
    problems = [f"The audit log is not as the camera wrote it: {one.reason}." for one in log.problems[:1]]
    return "\n".join([answer, *problems])
