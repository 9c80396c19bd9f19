"""The camera's log."""

import asyncio

from lapel.clock import iso
from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import STYLES, Text
from lapel.logs import LEVELS, LogLine

_LINES = 20


async def _show(call: Invocation) -> Answer:
    lines = call.camera.log.newest(round(call.number("lines", _LINES, 1, 2_000)))
    data = [{"at": iso(one.at.utc), "mono_s": one.at.mono_s, "level": one.level, "text": one.text} for one in lines]
    return Answer(data, tuple(_format(one) for one in lines))


async def _follow(call: Invocation) -> Answer:
    session = call.session
    session.show(Text("new lines are shown as they are logged; ^C stops"))
    lines: asyncio.Queue[LogLine] = asyncio.Queue(200)

    def add(line: LogLine) -> None:
        if not lines.full():
            lines.put_nowait(line)

    with call.camera.log.follow(add):
        while True:
            session.show(_format(await lines.get()))
            session.discard_pending_log()


async def _level(call: Invocation) -> Answer:
    word = call.word("level")
    call.session.set_log_level(next((one for one in LEVELS if one == word), None))
    return Answer({"level": word}, (Text(f"log lines shown at the prompt: {word}"),))


def _format(line: LogLine) -> Text:
    return Text(f"{line.at.utc:%H:%M:%S} {line.level:<7} {line.text}", STYLES[line.level])


NOUN = Noun(
    "log",
    "the camera's log",
    (
        Verb(
            "show",
            _show,
            "the newest lines",
            parameters=(Parameter("lines", "how many, 20 by default", optional=True),),
        ),
        Verb("follow", _follow, "show new lines as they are logged, until ^C", interactive=True),
        Verb(
            "level",
            _level,
            "show new lines of this level or higher at the prompt",
            parameters=(Parameter("level", "the lowest level shown", choices=(*LEVELS, "off")),),
            interactive=True,
        ),
    ),
)
