"""The problems found, gravest first, each with its remedy; and why there is a recording of a moment, or none."""

from datetime import datetime

from lapel.clock import iso
from lapel.console.command import Answer, Noun, Option, Verb
from lapel.console.diagnosis import Finding, findings, survey, verdict
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Style, Text
from lapel.errors import ConsoleError


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
    if word := call.word("at"):
        return await _explain(call, word)
    found = findings(await survey(call.camera))
    return Answer({"verdict": verdict(found), "findings": found}, diagnosis_blocks(found))


async def _explain(call: Invocation, word: str) -> Answer:
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise ConsoleError(f"why: `{word[:40]}` is not a time; write it as 2026-11-24T07:00:00Z", "usage") from None
    if at.tzinfo is None:
        raise ConsoleError("why: the time zone is missing; append Z for UTC", "usage")
    lines = (await call.camera.why(at)).splitlines()
    return Answer({"at": iso(at), "answer": lines}, tuple(Text(line) for line in lines))


NOUN = Noun(
    "why",
    "what is wrong and what to do about it",
    (
        Verb(
            "",
            _show,
            "every problem with its remedy, gravest first",
            options=(Option("at", "a time such as 2026-11-24T07:00:00Z: why it was recorded, or why not"),),
        ),
    ),
)
