"""Enters machine mode."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation


async def _begin(call: Invocation) -> Answer:
    call.session.begin_machine_mode()
    return Answer({})


NOUN = Noun(
    "machine",
    "machine mode: JSON for programs",
    (Verb("", _begin, "one JSON request and response per line, until `exit`", interactive=True),),
)
