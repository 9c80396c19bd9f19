"""What is wrong, gravest first, each with its remedy."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Style, Text
from lapel.console.why import Finding, findings, survey, verdict


def told(found: list[Finding]) -> tuple[Block, ...]:
    """The verdict, then each finding and what to do about it."""
    word = verdict(found)
    style: Style = "good" if not found else "bad" if word == "NOT READY" else "warn"
    blocks: list[Block] = [Text(word, style)]
    for number, one in enumerate(found, 1):
        blocks += [Text(f"{number}. {one.what}", "bad" if one.severity == "blocker" else "warn")]
        blocks += [Text(f"-> {one.remedy}", indent=3)]
    return tuple(blocks)


async def _show(call: Invocation) -> Answer:
    found = findings(await survey(call.desk))
    return Answer({"verdict": verdict(found), "findings": found}, told(found))


NOUN = Noun(
    "why", "what is wrong, and what to do about it", (Verb("", _show, "every blocker in order with its remedy"),)
)
