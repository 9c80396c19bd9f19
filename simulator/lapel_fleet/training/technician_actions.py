"""Physical actions at the camera of a field problem, for its file and for a trainee; and what prepares the problem."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel_fleet.cameras import fault_injection
from lapel_fleet.scenario.faults import Fault, fault_from_table
from lapel_fleet.training.bench import TrainingBench
from lapel_fleet.training.problem import seconds_of

Effect = Callable[[TrainingBench], object]
"""Does something to the camera. The result is awaited if it is awaitable."""
PREPARATION_S = 120.0
"""From switching the camera on to the technician's log-in."""
_BOOT_S = 10.0


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a technician does to the camera by hand."""

    meaning: str
    effect: Effect


ACTIONS: Mapping[str, Action] = {
    "copy certificate": Action("copy a new certificate to identity/renewed.crt", lambda on: on.authority.renew()),
    "dock": Action("put the camera into its dock", lambda on: on.camera.put_in_dock()),
    "free button": Action("free the event button, clean its rim", lambda on: on.camera.switches.free("event")),
    "hold button": Action("hold the event button for 3 s", lambda on: on.camera.hold()),
    "insert battery": Action("insert the same battery again", lambda on: on.camera.power_on()),
    "offload": Action("let the dock take the recordings off the storage card", lambda on: _offload(on)),
    "plug in video source": Action("connect the video source's cable", lambda on: on.camera.plug_in_video()),
    "press button": Action("press the event button twice: record", lambda on: on.camera.press(times=2)),
    "remove battery": Action("remove the battery", lambda on: on.camera.power_cut()),
    "swap battery": Action("insert a full battery", lambda on: on.camera.swap_battery()),
    "swap storage card": Action("insert another one; the old one is evidence", lambda on: on.camera.swap_card()),
    "undock": Action("take the camera out of its dock", lambda on: on.camera.take_out_of_dock()),
    "unplug video source": Action("disconnect the video source's cable", lambda on: on.camera.unplug_video()),
}

_DEFECTS: Mapping[str, Effect] = {
    "jam button": lambda on: on.camera.switches.stick("event"),
    "reset clock": lambda on: on.camera.reset_clock(),
}
"""Defects that are neither an action of a technician nor a fault of a scenario."""


async def prepare(bench: TrainingBench) -> None:
    """Switch the camera on and cause its problem; returns at `PREPARATION_S` on its time line."""
    bench.camera.power_on()
    await bench.time.sleep(_BOOT_S)
    for step in bench.problem.preparation:
        await _take(step, bench)
    await bench.time.sleep(PREPARATION_S - bench.time.mono_s())


async def do(name: str, bench: TrainingBench) -> None:
    """Carry out the action `name`. Raises ConfigError when there is no such action, or it is impossible now."""
    if name not in ACTIONS:
        raise ConfigError(f"{name}: no such action{suggestion(name, ACTIONS)}")
    await _await(ACTIONS[name].effect, bench)


async def _take(step: str, bench: TrainingBench) -> None:
    """A line of `Problem.preparation`: an action, a defect, `fault KIND KEY=VALUE …` as in scenarios, or `wait 5 s`."""
    first, _, rest = step.partition(" ")
    if first == "wait":
        await bench.time.sleep(seconds_of(rest))
    elif first == "fault":
        await fault_injection.begin(_fault(rest), bench.camera, bench.time)
    elif step in _DEFECTS:
        await _await(_DEFECTS[step], bench)
    else:
        await do(step, bench)


def _fault(text: str) -> Fault:
    kind, *parameters = text.split() or [""]
    for one in parameters:
        if "=" not in one:
            raise ConfigError(f"fault {text}: {one}: write KEY=VALUE")
    return fault_from_table({"kind": kind, **dict(one.split("=", 1) for one in parameters)}, f"fault {text}")


async def _await(effect: Effect, bench: TrainingBench) -> None:
    result = effect(bench)
    if isinstance(result, Awaitable):
        await result


def _offload(bench: TrainingBench) -> None:
    if not bench.camera.dock.is_docked():
        raise ConfigError("offload: only the dock can do this; `dock` the camera first")
    bench.camera.make_room()
