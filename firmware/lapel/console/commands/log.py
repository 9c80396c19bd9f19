"""The camera's recent words."""

import asyncio

from lapel.clock import iso
from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import STYLES, Text
from lapel.logs import LEVELS, LogLine

_LINES = 20


async def _show(call: Invocation) -> Answer:
    lines = call.desk.log.newest(round(call.number("lines", _LINES, 1, 2_000)))
    data = [{"at": iso(one.at.utc), "mono_s": one.at.mono_s, "level": one.level, "text": one.text} for one in lines]
    return Answer(data, tuple(_told(one) for one in lines))


async def _follow(call: Invocation) -> Answer:
    seat = call.at_keys
    seat.show(Text("each line as it comes; ^C ends it"))
    lines: asyncio.Queue[LogLine] = asyncio.Queue(200)

    def hear(line: LogLine) -> None:
        if not lines.full():
            lines.put_nowait(line)

    with call.desk.log.followed(hear):
        while True:
            seat.show(_told(await lines.get()))
            seat.caught_up()


async def _level(call: Invocation) -> Answer:
    word = call.word("level")
    call.at_keys.log_level = next((one for one in LEVELS if one == word), None)
    return Answer({"level": word}, (Text(f"shown by themselves: {word}"),))


def _told(line: LogLine) -> Text:
    return Text(f"{line.at.utc:%H:%M:%S} {line.level:<7} {line.text}", STYLES[line.level])


NOUN = Noun(
    "log",
    "the camera's recent words",
    (
        Verb("show", _show, "the newest lines", parameters=(Parameter("lines", "how many; 20", optional=True),)),
        Verb("follow", _follow, "show lines as they come, until ^C", interactive=True),
        Verb(
            "level",
            _level,
            "from which level on lines are shown by themselves",
            parameters=(Parameter("level", "the least level", choices=(*LEVELS, "off")),),
            interactive=True,
        ),
    ),
)
