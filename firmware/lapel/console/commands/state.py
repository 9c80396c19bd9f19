"""The state chart: what the camera is doing, and sending it to sleep and back."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text, length
from lapel.errors import ConsoleError


async def _show(call: Invocation) -> Answer:
    standing = call.desk.standing()
    rows = [("state", standing.state), ("why", standing.reason or "-"), ("up for", length(standing.uptime_s))]
    return Answer(standing, (Pairs(rows),))


async def _ask(call: Invocation, what: str) -> Answer:
    outcome = await call.desk.ask(what, "console")
    if not outcome.done:
        raise ConsoleError(f"state {what}: refused: {outcome.reason}", "refused")
    return Answer(outcome, (Text(f"{call.desk.standing().state}", "good"),))


async def _arm(call: Invocation) -> Answer:
    return await _ask(call, "arm")


async def _sleep(call: Invocation) -> Answer:
    return await _ask(call, "sleep")


async def _acknowledge(call: Invocation) -> Answer:
    clips = list(call.desk.standing().interrupted)
    call.desk.acknowledge()
    await call.record.put("acknowledged", interrupted=", ".join(clips))
    return Answer({"acknowledged": clips}, (Text(f"{len(clips)} interrupted recording(s) taken note of"),))


NOUN = Noun(
    "state",
    "what the camera is doing",
    (
        Verb("show", _show, "the state and its reason"),
        Verb("arm", _arm, "wake it: capture into the buffer", "service"),
        Verb("sleep", _sleep, "stop capturing; the buffer is emptied", "service"),
        Verb("acknowledge", _acknowledge, "take note of what an earlier session left unfinished", "service"),
    ),
)
