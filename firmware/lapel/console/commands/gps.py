"""The camera's position."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text


async def _show(call: Invocation) -> Answer:
    position = call.camera.position()
    if position is None:
        return Answer(None, (Text("this camera has no GPS receiver"),))
    where = f"{position.latitude:.5f}, {position.longitude:.5f}, within {position.accuracy_m:.0f} m"
    rows = [("position", where if position.fix else "no fix"), ("satellites", str(position.satellites))]
    return Answer(position, (Pairs(rows),))


NOUN = Noun("gps", "the camera's position", (Verb("show", _show, "position, accuracy, satellites"),))
