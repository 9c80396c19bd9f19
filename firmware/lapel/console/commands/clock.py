"""The wall clock."""

from datetime import datetime

from lapel.clock import iso
from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text
from lapel.errors import ConsoleError


async def _show(call: Invocation) -> Answer:
    now, quality = call.clock.now(), call.desk.standing().clock
    data = {"time": iso(now.utc), "quality": quality, "mono_s": round(now.mono_s, 3)}
    return Answer(data, (Pairs([("time", f"{iso(now.utc)} (UTC)"), ("trusted", quality)]),))


async def _set(call: Invocation) -> Answer:
    word, before = call.word("time"), call.clock.now().utc
    try:
        to = datetime.fromisoformat(word)
    except ValueError:
        raise ConsoleError(f"clock set: `{word}` is no time; write 2026-11-24T07:00:00Z", "usage") from None
    if to.tzinfo is None:
        raise ConsoleError("clock set: say which time zone; a Z at the end means UTC", "usage")
    call.desk.set_clock(to)
    await call.record.put("clock-set", before=iso(before), to=iso(to))
    return Answer({"time": iso(call.clock.now().utc)}, (Text(f"set to {iso(call.clock.now().utc)}", "good"),))


NOUN = Noun(
    "clock",
    "the wall clock",
    (
        Verb("show", _show, "time, and how far it can be trusted"),
        Verb("set", _set, "step it", "service", (Parameter("time", "UTC, as 2026-11-24T07:00:00Z"),)),
    ),
)
