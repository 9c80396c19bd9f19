"""When a recording may be tried: the waits that follow from a back end's refusals."""

from lapel.clock import Clock
from lapel.errors import BusyError, UnavailableError
from lapel.offload.interface import OutgoingRecording
from lapel.offload.plan import Waits

BLOCKED_S = 900.0
"""Seconds after which a back end that was full, or had no licence, is tried again: the operator may have made room."""
CARD_RETRY_S = 60.0
"""Seconds after which the storage card is tried again, and a recording that failed for a reason on this side."""


class Schedule:
    """Waits for the back end as a whole, and for single recordings."""

    def __init__(self, clock: Clock, waits: Waits) -> None:
        """`waits`: between attempts at a back end that is busy."""
        self._clock, self._waits = clock, waits
        self._blocked, self._blocked_until_s, self._busy_until_s = "", 0.0, 0.0
        self._later_s: dict[str, float] = {}

    @property
    def blocked(self) -> str:
        """Why the back end takes nothing until a person acts; empty while it does, and when it is time to try again."""
        if self._blocked and self._clock.mono_s() >= self._blocked_until_s:
            self._blocked = ""
        return self._blocked

    @property
    def blocked_until_s(self) -> float:
        """When a blocked back end is tried again, on the monotonic clock."""
        return self._blocked_until_s

    def due_s(self, recording: OutgoingRecording) -> float:
        """When a recording may be tried, on the monotonic clock."""
        return max(self._busy_until_s, self._later_s.get(recording.id, 0.0))

    def block(self, reason: str) -> bool:
        """Let nothing leave for `BLOCKED_S`. Returns whether that is news."""
        is_new = not self._blocked
        self._blocked, self._blocked_until_s = reason, self._clock.mono_s() + BLOCKED_S
        return is_new

    def back_off(self, recording: OutgoingRecording, error: BusyError) -> None:
        """Wait before the next attempt; twice as long before the next one at this recording, so that another gets its
        turn where the trouble may be with this one alone. Where it cannot be, the recording keeps its turn.
        """
        seconds = error.wait_s if error.wait_s is not None else self._waits.next_s()
        now_s = self._clock.mono_s()
        self._busy_until_s = now_s + seconds
        if not isinstance(error, UnavailableError):
            self._later_s[recording.id] = now_s + 2 * seconds

    def postpone(self, recording: OutgoingRecording) -> None:
        """Try this recording later, and the others now."""
        self._later_s[recording.id] = self._clock.mono_s() + CARD_RETRY_S

    def try_now(self, recording: OutgoingRecording) -> None:
        """A person wants this recording: it does not wait for what went wrong with it before."""
        self._later_s.pop(recording.id, None)

    def worked(self) -> None:
        """The back end takes recordings: begin with the shortest wait again."""
        self._waits.reset()

    def reset(self) -> None:
        """Try everything again at once."""
        self._blocked, self._busy_until_s = "", 0.0
        self._later_s.clear()
        self._waits.reset()
