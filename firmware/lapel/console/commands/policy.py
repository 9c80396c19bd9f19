"""The agency's policy: the profile in force, and what is declared."""

from lapel.console.command import Answer, Noun, Parameter, Verb, answer_of
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Pairs, Table, Text
from lapel.policy.profile import ACTIVITIES, CONTEXTS

_MINUTES_MAX = 10_080  # a week


async def _show(call: Invocation) -> Answer:
    policy = call.camera.policy()
    blocks: list[Block] = [
        Pairs([("profile", policy.profile), ("rules", str(policy.rules)), ("zone", ", ".join(policy.zones) or "none")]),
    ]
    if policy.declared:
        rows = [(one.what, one.by, one.until or "until withdrawn") for one in policy.declared]
        blocks.append(Table(("declared", "by", "until"), rows))
    else:
        blocks.append(Text("nothing is declared"))
    return Answer(policy, tuple(blocks))


async def _declare(call: Invocation) -> Answer:
    what = call.word("what")
    minutes = call.number("minutes", 0, 1, _MINUTES_MAX) if call.word("minutes") else None
    outcome = await call.camera.declare(what, 60.0 * minutes if minutes is not None else None)
    return answer_of("policy declare", outcome, f"declared: {what}" + (f" for {minutes:g} min" if minutes else ""))


async def _withdraw(call: Invocation) -> Answer:
    what = call.word("what")
    return answer_of("policy withdraw", await call.camera.withdraw(what), f"no longer declared: {what}")


_WHAT = Parameter("what", "the protected context or activity", choices=(*CONTEXTS, *ACTIVITIES))
_MINUTES = Parameter("minutes", "minutes until it ends by itself; until withdrawn by default", optional=True)

NOUN = Noun(
    "policy",
    "the agency's rules",
    (
        Verb("show", _show, "profile in force, what is declared"),
        Verb("declare", _declare, "declare a context or an activity", "service", (_WHAT, _MINUTES)),
        Verb("withdraw", _withdraw, "withdraw a declaration", "service", (_WHAT,)),
    ),
)
