"""The problems found, gravest first, each with its remedy."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.diagnosis import Finding, findings, survey, verdict
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Style, Text


def diagnosis_blocks(found: list[Finding]) -> tuple[Block, ...]:
    """The verdict, then each finding with its remedy."""
    word = verdict(found)
    style: Style = "good" if not found else "bad" if word == "NOT READY" else "warn"
    blocks: list[Block] = [Text(word, style)]
    for number, one in enumerate(found, 1):
        blocks += [Text(f"{number}. {one.what}", "bad" if one.severity == "blocker" else "warn")]
        blocks += [Text(f"-> {one.remedy}", indent=3)]
    return tuple(blocks)


async def _show(call: Invocation) -> Answer:
    found = findings(await survey(call.camera))
    return Answer({"verdict": verdict(found), "findings": found}, diagnosis_blocks(found))


NOUN = Noun(
    "why", "what is wrong and what to do about it", (Verb("", _show, "every problem with its remedy, gravest first"),)
)
