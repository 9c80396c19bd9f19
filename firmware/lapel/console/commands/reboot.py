"""Restarts the firmware."""

from lapel.console.command import Answer, Noun, Parameter, Verb, require_done
from lapel.console.invocation import Invocation
from lapel.console.layout import Text


async def _reboot(call: Invocation) -> Answer:
    outcome = await call.camera.request("reboot", call.word("reason") or "console")
    require_done("reboot", outcome)
    return Answer(outcome, (Text("restarting"),))


NOUN = Noun(
    "reboot",
    "restart the firmware",
    (
        Verb(
            "",
            _reboot,
            "restart the firmware",
            "service",
            (Parameter("reason", "written to the console log", optional=True, rest=True),),
            not_while_recording=True,
        ),
    ),
)
