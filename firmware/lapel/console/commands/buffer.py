"""The pre-event buffer."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, size


async def _show(call: Invocation) -> Answer:
    buffer = call.camera.buffer()
    rows = [("length", f"{buffer.held_s:.1f} of {buffer.asked_s:g} s")]
    rows += [("size", f"{size(buffer.held_bytes)} of {size(buffer.max_bytes)}")]
    return Answer(buffer, (Pairs(rows),))


NOUN = Noun("buffer", "the pre-event buffer", (Verb("show", _show, "seconds and bytes in the buffer"),))
