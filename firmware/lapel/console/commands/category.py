"""The category of a recording."""

from lapel.console.command import Answer, Noun, Parameter, Verb, answer_of
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text


async def _show(call: Invocation) -> Answer:
    status = call.camera.categories()
    if not status.names:
        return Answer(status, (Text("there are no categories: see `categories` of [recording]"),))
    named = ", ".join(f"{name} (critical)" if name in status.critical else name for name in status.names)
    return Answer(status, (Pairs([("chosen", status.chosen or "uncategorised"), ("there are", named)]),))


async def _set(call: Invocation) -> Answer:
    outcome = call.camera.categorise(call.word("category"))
    return answer_of("category set", outcome, f"category: {call.camera.categories().chosen or 'uncategorised'}")


_CATEGORY = Parameter(
    "category", "one of the categories, or uncategorised", rest=True, known=lambda camera: camera.categories().names
)

NOUN = Noun(
    "category",
    "what kind of incident a recording shows",
    (
        Verb("show", _show, "the categories, and the one that is chosen"),
        Verb("set", _set, "of the current recording, of the one just stopped, or of the next", "service", (_CATEGORY,)),
    ),
)
