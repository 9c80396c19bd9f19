"""What is done to a camera by hand, and what befalls it: words for the files of field problems and for whoever
practises on them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel_fleet.cameras import fault_injection
from lapel_fleet.scenario.faults import Fault, fault_from_table
from lapel_fleet.training.bench import TrainingBench
from lapel_fleet.training.problem import seconds_of

ActionCoroutine = Callable[[TrainingBench], object]
"""What it returns is awaited, where it can be."""
SET_UP_S = 120.0
"""From the moment at which a camera on the bench is switched on to the technician's coming."""
_BOOT_S = 10.0


@dataclass(frozen=True, slots=True)
class Action:
    """Something that somebody does with his hands."""

    meaning: str
    do: ActionCoroutine


ACTIONS: Mapping[str, Action] = {
    "bring certificate": Action("copy a new certificate to identity/renewed.crt", lambda on: on.office.renew()),
    "dock": Action("put it into its dock", lambda on: on.camera.put_in_dock()),
    "free button": Action("free the event button, clean its rim", lambda on: on.camera.switches.free("event")),
    "hold button": Action("hold the event button for 3 s", lambda on: on.camera.hold()),
    "offload": Action("let the dock take the recordings off the card", lambda on: _offload(on)),
    "plug lens": Action("put the lens's cable back", lambda on: on.camera.plug_in_video()),
    "press button": Action("press the event button twice: record", lambda on: on.camera.press(times=2)),
    "pull battery": Action("take the battery out", lambda on: on.camera.power_cut()),
    "pull lens": Action("pull the lens's cable", lambda on: on.camera.unplug_video()),
    "put battery in": Action("put the same battery in again", lambda on: on.camera.power_on()),
    "swap battery": Action("put a full battery in", lambda on: on.camera.swap_battery()),
    "swap card": Action("put another card in; the old one goes to the evidence desk", lambda on: on.camera.swap_card()),
    "undock": Action("take it out of its dock", lambda on: on.camera.take_out_of_dock()),
}

_TROUBLES: Mapping[str, ActionCoroutine] = {
    "stick button": lambda on: on.camera.switches.stick("event"),
    "lose time": lambda on: on.camera.reset_clock(),
}
"""What nobody does on purpose, and scenarios do not have among their faults."""


async def come_about(bench: TrainingBench) -> None:
    """The camera is switched on and what its problem says befalls it; returns at `SET_UP_S` on its time line."""
    bench.camera.power_on()
    await bench.time.sleep(_BOOT_S)
    for words in bench.problem.world:
        await _befall(words, bench)
    await bench.time.sleep(SET_UP_S - bench.time.mono_s())


async def do(words: str, bench: TrainingBench) -> None:
    """A deed. Raises ConfigError when it is none, or cannot be done now."""
    if words not in ACTIONS:
        raise ConfigError(f"{words}: nobody can do that here{suggestion(words, ACTIONS)}")
    await _done(ACTIONS[words].do, bench)


async def _befall(words: str, bench: TrainingBench) -> None:
    """A line of `Problem.world`: a deed, a trouble, `fault KIND KEY=VALUE …` as in scenarios, or `wait 5 s`."""
    first, _, rest = words.partition(" ")
    if first == "wait":
        await bench.time.sleep(seconds_of(rest))
    elif first == "fault":
        await fault_injection.begin(_fault(rest), bench.camera, bench.time)
    elif words in _TROUBLES:
        await _done(_TROUBLES[words], bench)
    else:
        await do(words, bench)


def _fault(words: str) -> Fault:
    kind, *parameters = words.split() or [""]
    for one in parameters:
        if "=" not in one:
            raise ConfigError(f"fault {words}: {one}: write KEY=VALUE")
    return fault_from_table({"kind": kind, **dict(one.split("=", 1) for one in parameters)}, f"fault {words}")


async def _done(doing: ActionCoroutine, bench: TrainingBench) -> None:
    result = doing(bench)
    if isinstance(result, Awaitable):
        await result


def _offload(bench: TrainingBench) -> None:
    if not bench.camera.dock.is_docked():
        raise ConfigError("offload: it is the dock that does this; `dock` the camera first")
    bench.camera.make_room()
