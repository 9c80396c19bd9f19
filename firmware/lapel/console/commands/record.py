"""Starts and stops recordings."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.errors import ConsoleError


async def _request(call: Invocation, action: str, verb: str, done: str) -> Answer:
    outcome = await call.camera.request(action, call.word("reason"))
    if not outcome.done:
        raise ConsoleError(f"record {verb}: refused: {outcome.reason}", "refused")
    return Answer(outcome, (Text(f"{done} {outcome.recording or ''}".rstrip(), "good"),))


async def _start(call: Invocation) -> Answer:
    return await _request(call, "start-recording", "start", "recording")


async def _stop(call: Invocation) -> Answer:
    return await _request(call, "stop-recording", "stop", "stopped")


async def _mark(call: Invocation) -> Answer:
    return await _request(call, "mark", "mark", "marked")


_REASON = Parameter("reason", "the reason, kept with the recording", rest=True)

NOUN = Noun(
    "record",
    "start and stop recordings",
    (
        Verb("start", _start, "start a recording, including the pre-event buffer", "service", (_REASON,)),
        Verb("stop", _stop, "stop the recording", "service", (_REASON,)),
        Verb("mark", _mark, "set a marker", "service"),
    ),
)
