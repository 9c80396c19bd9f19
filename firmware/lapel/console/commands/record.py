"""Starts and stops recordings."""

from lapel.console.command import Answer, Noun, Parameter, Verb, answer_of
from lapel.console.invocation import Invocation
from lapel.errors import ConsoleError

_LABEL_CHARS = 100


async def _request(call: Invocation, action: str, verb: str, done: str, label: str = "") -> Answer:
    if len(label) > _LABEL_CHARS:
        raise ConsoleError(f"record {verb}: a label has at most {_LABEL_CHARS} characters", "usage")
    outcome = await call.camera.request(action, call.word("reason"), label)
    return answer_of(f"record {verb}", outcome, f"{done} {outcome.recording or ''}".rstrip())


async def _start(call: Invocation) -> Answer:
    return await _request(call, "start-recording", "start", "recording")


async def _stop(call: Invocation) -> Answer:
    return await _request(call, "stop-recording", "stop", "stopped")


async def mark(call: Invocation) -> Answer:
    """Set a marker."""
    return await _request(call, "mark", "mark", "marked", call.word("label"))


_REASON = Parameter("reason", "the reason, kept with the recording", rest=True)
LABEL = Parameter("label", "what the marker is called", optional=True, rest=True)
"""Of `mark`, too."""

NOUN = Noun(
    "record",
    "start and stop recordings",
    (
        Verb("start", _start, "start a recording, including the pre-event buffer", "service", (_REASON,)),
        Verb("stop", _stop, "stop the recording", "service", (_REASON,)),
        Verb("mark", mark, "set a marker", "service", (LABEL,)),
    ),
)
