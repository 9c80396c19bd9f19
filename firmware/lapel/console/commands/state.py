"""The camera's state; puts it in standby and back."""

from lapel.console.command import Answer, Noun, Verb, answer_of
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text, length


async def _show(call: Invocation) -> Answer:
    overview = call.camera.overview()
    rows = [("state", overview.state), ("reason", overview.reason or "-"), ("uptime", length(overview.uptime_s))]
    return Answer(overview, (Pairs(rows),))


async def _request(call: Invocation, action: str) -> Answer:
    outcome = await call.camera.request(action, "console")
    return answer_of(f"state {action}", outcome, call.camera.overview().state)


async def _arm(call: Invocation) -> Answer:
    return await _request(call, "arm")


async def _sleep(call: Invocation) -> Answer:
    return await _request(call, "sleep")


async def _acknowledge(call: Invocation) -> Answer:
    overview = call.camera.overview()
    clips, failed, files = list(overview.interrupted), list(overview.failed), list(overview.damaged)
    call.camera.acknowledge()
    await call.console_log.append(
        "acknowledged", interrupted=", ".join(clips), failed="; ".join(failed), damaged=", ".join(files)
    )
    more = f", {len(failed)} failed" * bool(failed) + f", {len(files)} damaged file(s)" * bool(files)
    answer = {"acknowledged": clips, "failed": failed, "damaged": files}
    return Answer(answer, (Text(f"{len(clips)} interrupted recording(s) acknowledged{more}"),))


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
