"""The faults of an evidence back end, by name. What each does is implemented in `runs/evidence_back_end/`."""

from collections.abc import Mapping

EVIDENCE_FAULTS: Mapping[str, str] = {
    "slow": "receives at 1 MB/s",
    "full": "answers 507 to each upload: out of disk space",
    "busy": "answers 503 to each new recording and each upload into one: too many at once",
    "licence-gone": "answers 402 to each upload: no more licences",
    "rejected": "answers 400 to each upload into a recording: it will never be stored",
    "token-expired": "answers 401 once a token was used ten times",
    "wrong-checksum": "keeps other bytes than it received: the MD5 in the Etag is another",
    "cut": "breaks the connection half-way through an upload, and keeps nothing of it",
    "early-complete": "takes a recording for complete after its first object, and answers 403 to the others",
    "lost-receipt": "loses its answer to Complete, and each receipt",
    "duplicate-container": "has each new container already: complete, and another recording's",
}
"""What each does, as `lapel-fleet evidence-server --list-faults` prints it. A scenario names it `evidence.NAME`."""
