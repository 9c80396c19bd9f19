"""Readiness of the camera, then an overview."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.commands.why import diagnosis_blocks
from lapel.console.diagnosis import findings, survey, verdict
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, length


async def _show(call: Invocation) -> Answer:
    seen = await survey(call.camera)
    found, overview = findings(seen), seen.overview
    rows = [
        ("state", overview.state + (f": {overview.reason}" if overview.reason else "")),
        ("flags", ", ".join(overview.flags) or "none"),
        ("uptime", length(overview.uptime_s)),
        ("firmware", overview.firmware),
        ("clock", f"{overview.time}, {overview.clock}"),
        ("settings", f"version {overview.configuration}"),
    ]
    if overview.recording:
        rows.append(("recording", f"{overview.recording}, {length(overview.recorded_s)} since the trigger"))
    if error := call.console_log.write_error:
        rows.append(("console log", f"in memory only: {error}"))
    data = {"verdict": verdict(found), "findings": found, "standing": overview}
    return Answer(data, (*diagnosis_blocks(found), Pairs(rows)))


NOUN = Noun("status", "readiness and overview", (Verb("", _show, "READY, or the problems found; then an overview"),))
