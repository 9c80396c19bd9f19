"""The camera's parts."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Table


async def _list(call: Invocation) -> Answer:
    devices = list(call.camera.devices())
    return Answer(devices, (Table(("part", "kind", "state"), [(one.name, one.kind, one.state) for one in devices]),))


NOUN = Noun("device", "the camera's parts", (Verb("list", _list, "each part with its state"),))
