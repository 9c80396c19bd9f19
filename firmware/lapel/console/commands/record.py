"""Recording, on a technician's word."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.errors import ConsoleError


async def _ask(call: Invocation, what: str, said: str) -> Answer:
    outcome = await call.desk.ask(what, call.word("reason") or "console")
    if not outcome.done:
        raise ConsoleError(f"{what}: {outcome.reason}", "refused")
    return Answer(outcome, (Text(f"{said} {outcome.recording or ''}".rstrip(), "good"),))


async def _start(call: Invocation) -> Answer:
    return await _ask(call, "start-recording", "recording")


async def _stop(call: Invocation) -> Answer:
    return await _ask(call, "stop-recording", "stopped")


async def _mark(call: Invocation) -> Answer:
    return await _ask(call, "mark", "marked")


_REASON = Parameter("reason", "why, in words; goes on record", rest=True)

NOUN = Noun(
    "record",
    "start and stop a recording",
    (
        Verb("start", _start, "record, from before now", "service", (_REASON,)),
        Verb("stop", _stop, "end the recording", "service", (_REASON,)),
        Verb("mark", _mark, "set a marker", "service"),
    ),
)
