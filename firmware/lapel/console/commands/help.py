"""Every command."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation


async def _help(call: Invocation) -> Answer:
    return Answer([noun.name for noun in call.table.nouns], call.table.help(call.word("command")))


NOUN = Noun(
    "help",
    "every command; so does `?`",
    (Verb("", _help, "every command", parameters=(Parameter("command", "only that one", optional=True, rest=True),)),),
)
