"""A swapped camera takes the old one's place."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.errors import ConsoleError


async def _replace(call: Invocation) -> Answer:
    old, own = call.word("name"), call.desk.standing().camera
    if old == own:
        raise ConsoleError(f"replace: this camera is called {own} already", "refused")
    changes = {"camera": {"name": old}}
    call.desk.check_change(changes)
    await call.record.put("replace", before=own, name=old)
    outcome = await call.desk.change(changes, f"replaces {old}")
    if not outcome.done:
        raise ConsoleError(f"replace: refused: {outcome.reason}", "refused")
    said = f"the camera restarts as {old}; keep the old one switched off: two of one name are a fault"
    return Answer({"name": old}, (Text(said),))


NOUN = Noun(
    "replace",
    "take a swapped camera's place",
    (
        Verb(
            "",
            _replace,
            "restart under the old camera's name",
            "service",
            (Parameter("name", "what the old camera was called"),),
            not_while_recording=True,
        ),
    ),
)
