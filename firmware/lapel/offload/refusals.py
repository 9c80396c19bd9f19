"""What an HTTP status of a back end means for a recording, and the words for it. Pure.

The meanings are those of the Axis Body worn integration API (its README, "Error response descriptions"); what it leaves
open is our choice, and careful: a recording is given up only where the back end says that it will never take it.
"""

from lapel.errors import BlockedError, BusyError, OffloadError, RejectedError

_REJECTED = {
    400: "the back end will never take this recording as it is; find out why in its log, put it right, then "
    "`offload retry`",
    413: "a file is longer than the back end takes; raise its limit, or set [recording] max_clip_s for later ones, "
    "then `offload retry`",
}
_BLOCKED = {
    401: "the back end accepts neither a new token nor the user and secret; check [offload] user and secret_file",
    402: "the back end has no licence left for this camera or its wearer; add one there, then `offload start`",
    403: "the user in [offload] may not write there; give it the right, then `offload start`",
    507: "the back end is full; make room there, then `offload start`",
}
_BUSY = {
    404: "what was made there before is gone; it is made again",
    408: "the back end waited too long for the camera",
    422: "what arrived differs from what was sent; it is sent again",
    429: "the back end asks for fewer requests",
    498: "the back end asks for fewer requests",
    503: "the back end is busy",
}
_LONGEST_WAIT_S = 3_600.0


def refusal(status: int, doing: str, answer: str = "", retry_after: str = "") -> OffloadError:
    """The error for an HTTP status that is no success. `doing`: what was refused, in words that follow "at". `answer`:
    the text of its answer, beside the status; `retry_after`: that header.
    """
    summary = f"{status}{f' ({answer})' if answer else ''} at {doing}"
    if status in _REJECTED:
        return RejectedError(f"rejected: {summary}: {_REJECTED[status]}")
    if status in _BLOCKED:
        return BlockedError(f"{summary}: {_BLOCKED[status]}")
    if status in _BUSY or status >= 500:
        return BusyError(f"{summary}: {_BUSY.get(status, 'the back end failed')}", wait_s(retry_after))
    if 300 <= status < 400:
        return BlockedError(f"{summary}: the back end is at another address; correct [offload] address")
    return BlockedError(f"{summary}: not an answer that the protocol knows; is [offload] address that of a back end?")


def wait_s(retry_after: str) -> float | None:
    """Seconds that a Retry-After header asks for, at most an hour; None where it gives none (or a date)."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return None
    return min(seconds, _LONGEST_WAIT_S) if seconds >= 0 else None
