"""Log out."""

from lapel.console.call import Call
from lapel.console.command import Answer, Noun, Verb


async def _leave(call: Call) -> Answer:
    call.at_keys.leave()
    return Answer({})


NOUN = Noun("exit", "log out", (Verb("", _leave, "log out; so do ^D and hanging up", interactive=True),))
