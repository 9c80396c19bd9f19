"""How the camera stands, beginning with whether it is ready."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.commands.why import told
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, length
from lapel.console.why import findings, survey, verdict


async def _show(call: Invocation) -> Answer:
    seen = await survey(call.desk)
    found, standing = findings(seen), seen.standing
    rows = [
        ("state", standing.state + (f": {standing.reason}" if standing.reason else "")),
        ("flags", ", ".join(standing.flags) or "none"),
        ("up for", length(standing.uptime_s)),
        ("firmware", standing.firmware),
        ("clock", f"{standing.time}, {standing.clock}"),
        ("settings", f"version {standing.configuration}"),
    ]
    if standing.recording:
        rows.append(("recording", f"{standing.recording}, {length(standing.recorded_s)} since the press"))
    if trouble := call.record.trouble:
        rows.append(("record", f"in memory only: {trouble}"))
    data = {"verdict": verdict(found), "findings": found, "standing": standing}
    return Answer(data, (*told(found), Pairs(rows)))


NOUN = Noun(
    "status", "ready or not, and how it stands", (Verb("", _show, "READY or what is wrong; then how it stands"),)
)
