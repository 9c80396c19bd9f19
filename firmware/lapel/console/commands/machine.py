"""Requests and replies for programs."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation


async def _begin(call: Invocation) -> Answer:
    call.at_keys.begin_machine_mode()
    return Answer({})


NOUN = Noun(
    "machine",
    "machine mode: JSON for programs",
    (Verb("", _begin, "from now on a request and a reply a line, until `exit`", interactive=True),),
)
