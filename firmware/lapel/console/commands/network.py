"""The connection to the fleet's broker, and a test of each step."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Pairs, Text


async def _show(call: Invocation) -> Answer:
    network = call.camera.network()
    link = "up" if network.up else f"down: {network.reason}"
    rows = [("broker", network.broker or "none configured"), ("link", link)]
    rows += [("events", f"{network.events_waiting} waiting, {network.events_dropped} dropped")]
    if network.certificate_until:
        rows.append(("certificate", f"until {network.certificate_until}"))
    return Answer(network, (Pairs(rows),))


async def _probe(call: Invocation) -> Answer:
    steps = list(await call.camera.probe())
    if not steps:
        return Answer([], (Text("no broker is configured; set one with `config set link.broker URL`"),))
    blocks: list[Block] = [
        Text(f"{step.name:<6}{'ok' if step.ok else 'FAILED'}: {step.finding}", "good" if step.ok else "bad")
        for step in steps
    ]
    return Answer(steps, tuple(blocks))


NOUN = Noun(
    "network",
    "the connection to the fleet's broker",
    (Verb("show", _show, "broker, link, events waiting"), Verb("probe", _probe, "test the connection step by step")),
)
