"""Identifies this camera among many by light and sound."""

from lapel.console.command import Answer, Noun, Parameter, Verb, require_done
from lapel.console.invocation import Invocation
from lapel.console.layout import Text


async def _run(call: Invocation) -> Answer:
    seconds = call.number("seconds", 10, 1, 300)
    outcome = call.camera.identify(seconds)
    require_done("identify", outcome)
    return Answer({"seconds": seconds}, (Text(f"blinking for {seconds:g} s"),))


NOUN = Noun(
    "identify",
    "blink and beep",
    (Verb("", _run, "blink and beep", parameters=(Parameter("seconds", "how long, 10 by default", optional=True),)),),
)
