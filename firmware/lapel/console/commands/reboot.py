"""Start the firmware anew."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.errors import ConsoleError


async def _reboot(call: Invocation) -> Answer:
    outcome = await call.desk.ask("reboot", call.word("reason") or "console")
    if not outcome.done:
        raise ConsoleError(f"reboot: refused: {outcome.reason}", "refused")
    return Answer(outcome, (Text("restarting"),))


NOUN = Noun(
    "reboot",
    "start the firmware anew",
    (
        Verb(
            "",
            _reboot,
            "start the firmware anew",
            "service",
            (Parameter("reason", "why; goes on record", optional=True, rest=True),),
            not_while_recording=True,
        ),
    ),
)
