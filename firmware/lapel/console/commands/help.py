"""Lists all commands."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation


async def _help(call: Invocation) -> Answer:
    return Answer(list(call.commands.names()), call.commands.help(call.word("command")))


NOUN = Noun(
    "help",
    "list all commands; `?` does the same",
    (
        Verb(
            "",
            _help,
            "list all commands",
            parameters=(Parameter("command", "only this one", optional=True, rest=True),),
        ),
    ),
)
