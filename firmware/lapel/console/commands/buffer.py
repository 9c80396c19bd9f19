"""What is kept from before the press."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, size


async def _show(call: Invocation) -> Answer:
    buffer = call.desk.buffer()
    rows = [("holds", f"{buffer.held_s:.1f} of {buffer.asked_s:g} s")]
    rows += [("weighs", f"{size(buffer.held_bytes)} of {size(buffer.max_bytes)}")]
    return Answer(buffer, (Pairs(rows),))


NOUN = Noun("buffer", "what is kept from before the press", (Verb("show", _show, "seconds and bytes held"),))
