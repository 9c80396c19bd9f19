"""The camera's state; puts it in standby and back."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text, length
from lapel.errors import ConsoleError


async def _show(call: Invocation) -> Answer:
    overview = call.camera.overview()
    rows = [("state", overview.state), ("reason", overview.reason or "-"), ("uptime", length(overview.uptime_s))]
    return Answer(overview, (Pairs(rows),))


async def _request(call: Invocation, action: str) -> Answer:
    outcome = await call.camera.request(action, "console")
    if not outcome.done:
        raise ConsoleError(f"state {action}: refused: {outcome.reason}", "refused")
    return Answer(outcome, (Text(call.camera.overview().state, "good"),))


async def _arm(call: Invocation) -> Answer:
    return await _request(call, "arm")


async def _sleep(call: Invocation) -> Answer:
    return await _request(call, "sleep")


async def _acknowledge(call: Invocation) -> Answer:
    overview = call.camera.overview()
    clips, files = list(overview.interrupted), list(overview.damaged)
    call.camera.acknowledge()
    await call.console_log.append("acknowledged", interrupted=", ".join(clips), damaged=", ".join(files))
    text = f"{len(clips)} interrupted recording(s) acknowledged" + (f", {len(files)} damaged file(s)" if files else "")
    return Answer({"acknowledged": clips, "damaged": files}, (Text(text),))


NOUN = Noun(
    "state",
    "the camera's state",
    (
        Verb("show", _show, "the state and its reason"),
        Verb("arm", _arm, "leave standby: capture into the pre-event buffer", "service"),
        Verb("sleep", _sleep, "go to standby: stop capturing, empty the buffer", "service"),
        Verb("acknowledge", _acknowledge, "acknowledge recordings that an earlier session left unfinished", "service"),
    ),
)
