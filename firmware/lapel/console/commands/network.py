"""The line to the fleet broker, and where it breaks."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Pairs, Text


async def _show(call: Invocation) -> Answer:
    network = call.desk.network()
    link = "up" if network.up else f"down: {network.reason}"
    rows = [("broker", network.broker or "none configured"), ("link", link)]
    rows += [("events", f"{network.events_waiting} waiting, {network.events_dropped} given up")]
    if network.certificate_until:
        rows.append(("certificate", f"until {network.certificate_until}"))
    return Answer(network, (Pairs(rows),))


async def _probe(call: Invocation) -> Answer:
    steps = list(await call.desk.probe())
    if not steps:
        return Answer([], (Text("no broker is configured; `config set link.broker URL`"),))
    blocks: list[Block] = [
        Text(f"{step.name:<6}{'ok' if step.ok else 'FAILED'}: {step.finding}", "good" if step.ok else "bad")
        for step in steps
    ]
    return Answer(steps, tuple(blocks))


NOUN = Noun(
    "network",
    "the line to the fleet",
    (Verb("show", _show, "broker, link, events waiting"), Verb("probe", _probe, "name the step that fails")),
)
