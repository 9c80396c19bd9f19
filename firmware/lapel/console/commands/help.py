"""Every command."""

from lapel.console.call import Call
from lapel.console.command import Answer, Noun, Parameter, Verb


async def _help(call: Call) -> Answer:
    return Answer([noun.name for noun in call.table.nouns], call.table.help(call.word("command")))


NOUN = Noun(
    "help",
    "every command; so does `?`",
    (Verb("", _help, "every command", parameters=(Parameter("command", "only that one", optional=True, rest=True),)),),
)
