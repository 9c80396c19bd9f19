"""Identifies this camera among many by light and sound."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.errors import ConsoleError


async def _run(call: Invocation) -> Answer:
    seconds = call.number("seconds", 10, 1, 300)
    outcome = call.camera.identify(seconds)
    if not outcome.done:
        raise ConsoleError(f"identify: refused: {outcome.reason}", "refused")
    return Answer({"seconds": seconds}, (Text(f"blinking for {seconds:g} s"),))


NOUN = Noun(
    "identify",
    "blink and beep",
    (Verb("", _run, "blink and beep", parameters=(Parameter("seconds", "how long, 10 by default", optional=True),)),),
)
