"""Gives a replacement camera the name of the camera it replaces."""

from lapel.console.command import Answer, Noun, Parameter, Verb, require_done
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.errors import ConsoleError


async def _replace(call: Invocation) -> Answer:
    old, own = call.word("name"), call.camera.overview().camera
    if old == own:
        raise ConsoleError(f"replace: this camera is already named {own}", "refused")
    changes = {"camera": {"name": old}}
    call.camera.check_change(changes)
    await call.console_log.append("replace", before=own, name=old)
    outcome = await call.camera.change(changes, f"replaces {old}")
    require_done("replace", outcome)
    text = f"the camera restarts as {old}; keep the old camera switched off: two cameras of one name are a fault"
    return Answer({"name": old}, (Text(text),))


NOUN = Noun(
    "replace",
    "take the place of a replaced camera",
    (
        Verb(
            "",
            _replace,
            "restart under the replaced camera's name",
            "service",
            (Parameter("name", "the name of the replaced camera"),),
            not_while_recording=True,
        ),
    ),
)
