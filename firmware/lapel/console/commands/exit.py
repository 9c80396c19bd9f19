"""Log out."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation


async def _log_out(call: Invocation) -> Answer:
    call.session.log_out()
    return Answer({})


NOUN = Noun("exit", "log out", (Verb("", _log_out, "log out; ^D and hanging up do the same", interactive=True),))
