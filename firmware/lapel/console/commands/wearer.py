"""Who wears the camera, and what the wearer has to say."""

from collections.abc import Callable

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text
from lapel.errors import ConfigError, ConsoleError


async def _show(call: Invocation) -> Answer:
    status = call.camera.wearer()
    rows = [("assigned to", status.assigned or "no wearer")]
    rows += [("used by", f"{status.present}, who is not the assignee")] if status.present else []
    return Answer(status, (Pairs(rows),))


async def _assign(call: Invocation) -> Answer:
    return await _with_badge(call, "assign", call.camera.assign)


async def _clear(call: Invocation) -> Answer:
    call.camera.assign("")
    return await _show(call)


async def _present(call: Invocation) -> Answer:
    return await _with_badge(call, "present", call.camera.set_present)


async def _with_badge(call: Invocation, verb: str, use: Callable[[str], None]) -> Answer:
    try:
        use(call.word("badge"))
    except ConfigError as error:
        raise ConsoleError(f"wearer {verb}: {error}", "usage") from error
    return await _show(call)


async def _note(call: Invocation) -> Answer:
    if not call.word("text").strip():
        raise ConsoleError("wearer note: write the note behind it", "usage")
    call.camera.take_note(call.word("text"))
    return Answer({"noted": True}, (Text("on record: reported as an event, and in the audit log", "good"),))


_BADGE = Parameter("badge", "the badge id")
_TEXT = Parameter("text", "the note, in the wearer's words", rest=True)

NOUN = Noun(
    "wearer",
    "who wears the camera",
    (
        Verb("show", _show, "to whom it is assigned, and who uses it"),
        Verb("assign", _assign, "assign it to a wearer", "service", (_BADGE,)),
        Verb("clear", _clear, "assign it to no wearer", "service"),
        Verb("note", _note, "put on record why something was not recorded, for instance", "service", (_TEXT,)),
        Verb("present", _present, "this wearer uses it now", "service", (_BADGE,)),
    ),
)
