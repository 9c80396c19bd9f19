"""The wall clock."""

from datetime import datetime

from lapel.clock import iso
from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text
from lapel.errors import ConsoleError


async def _show(call: Invocation) -> Answer:
    now, quality = call.clock.now(), call.camera.overview().clock
    data = {"time": iso(now.utc), "quality": quality, "mono_s": round(now.mono_s, 3)}
    return Answer(data, (Pairs([("time", f"{iso(now.utc)} (UTC)"), ("quality", quality)]),))


async def _set(call: Invocation) -> Answer:
    word, before = call.word("time"), call.clock.now().utc
    try:
        to = datetime.fromisoformat(word)
    except ValueError:
        raise ConsoleError(f"clock set: `{word}` is not a time; write it as 2026-11-24T07:00:00Z", "usage") from None
    if to.tzinfo is None:
        raise ConsoleError("clock set: the time zone is missing; append Z for UTC", "usage")
    call.camera.set_clock(to)
    await call.console_log.append("clock-set", before=iso(before), to=iso(to))
    return Answer({"time": iso(call.clock.now().utc)}, (Text(f"set to {iso(call.clock.now().utc)}", "good"),))


NOUN = Noun(
    "clock",
    "the wall clock",
    (
        Verb("show", _show, "time, and whether the clock is synchronised"),
        Verb(
            "set",
            _set,
            "set the clock",
            "service",
            (Parameter("time", "as 2026-11-24T07:00:00Z (UTC)"),),
        ),
    ),
)
