"""Writes a technician's note to the console log."""

from lapel.console.command import Answer, Noun, Option, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.errors import ConsoleError


async def _write(call: Invocation) -> Answer:
    await call.console_log.append(
        "note", role=call.role, text=call.word("text")[:1000], ticket=call.words.get("ticket")
    )
    if error := call.console_log.write_error:
        raise ConsoleError(f"note: kept in memory, written as soon as the storage accepts it: {error}")
    return Answer({"noted": True}, (Text("written to the console log"),))


NOUN = Noun(
    "note",
    "write a note to the console log",
    (
        Verb(
            "",
            _write,
            "write a note to the console log",
            parameters=(Parameter("text", "the note", rest=True),),
            options=(Option("ticket", "a ticket number"),),
        ),
    ),
)
