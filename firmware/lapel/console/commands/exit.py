"""Log out."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation


async def _leave(call: Invocation) -> Answer:
    call.at_keys.leave()
    return Answer({})


NOUN = Noun("exit", "log out", (Verb("", _leave, "log out; so do ^D and hanging up", interactive=True),))
