"""A technician's words, on record."""

from lapel.console.command import Answer, Noun, Option, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.errors import ConsoleError


async def _put(call: Invocation) -> Answer:
    await call.record.put("note", role=call.role, text=call.word("text")[:1000], ticket=call.words.get("ticket"))
    if call.record.trouble:
        raise ConsoleError(f"note: in memory only, it is written once the card takes it: {call.record.trouble}")
    return Answer({"noted": True}, (Text("on record"),))


NOUN = Noun(
    "note",
    "put words on record",
    (
        Verb(
            "",
            _put,
            "put words on record",
            parameters=(Parameter("text", "what to note", rest=True),),
            options=(Option("ticket", "number of a ticket"),),
        ),
    ),
)
