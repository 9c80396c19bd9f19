"""Width and colours of the user's terminal."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs


async def _show(call: Invocation) -> Answer:
    columns, colour = call.session.terminal()
    rows = [("width", str(columns)), ("colour", "on" if colour else "off")]
    return Answer({"width": columns, "colour": colour}, (Pairs(rows),))


async def _width(call: Invocation) -> Answer:
    call.session.resize(round(call.number("columns", 80, 20, 500)), None)
    return await _show(call)


async def _colour(call: Invocation) -> Answer:
    call.session.resize(None, call.word("switch") == "on")
    return await _show(call)


NOUN = Noun(
    "terminal",
    "width and colour of your terminal",
    (
        Verb("show", _show, "width and colour; ^L queries the terminal again", interactive=True),
        Verb("width", _width, "set the width", parameters=(Parameter("columns", "20 to 500"),), interactive=True),
        Verb(
            "colour",
            _colour,
            "switch colours on or off",
            parameters=(Parameter("switch", "on or off", choices=("on", "off")),),
            interactive=True,
        ),
    ),
)
