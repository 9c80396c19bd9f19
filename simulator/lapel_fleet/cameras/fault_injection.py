"""What goes wrong, done to cameras: each kind of `scenario.FAULTS` begins here and says how it ends."""

import asyncio
import errno
import random
from collections.abc import Callable, Iterable

from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import FAULTS, Fault, Scenario
from lapel_fleet.time.clocks import Timeline

OF_THE_CONTROL_ROOM = frozenset({"broker.outage", "command.late", "command.duplicate"})
"""Those that happen at the other end of the line; see `control_room.py`."""

ROOM_C = 23.0
_HOW_MANY, _LENGTHS_S = (3, 8), (5.0, 300.0)

End = Callable[[], object]


def met(fault: Fault, number: int, names: Iterable[str], streams: RandomStreams) -> list[str]:
    """Those of `names` that the `number`-th fault of a scenario meets. All who ask agree, each shard for its share."""
    return [name for name in names if fault.meets(name, streams.stream(name, f"fault {number}"))]


def _over() -> None:
    """Nothing to end."""


async def begin(fault: Fault, camera: SimulatedCamera, time: Timeline) -> End:
    """Let it happen to `camera`. What is returned ends it; called again it does no harm."""
    match fault.kind:
        case "network.down":
            camera.network.unplug()
            return camera.network.plug_in
        case "network.half_open" | "network.partition":
            camera.network.half_open()
            return camera.network.mend
        case "network.latency":
            camera.network.worsen(latency_s=fault.latency_s)
            return camera.network.worsen
        case "network.loss":
            camera.network.worsen(loss=fault.loss)
            return camera.network.worsen
        case "power.cut":
            await camera.power_cut()
            return camera.power_on
        case "power.reboot_loop":
            return _reboot_again_and_again(camera, time, fault.every_s)
        case "video.unplugged":
            camera.unplug_lens()
            return camera.plug_lens_in
        case "video.frozen":
            camera.freeze_picture()
            return camera.thaw_picture
        case "card.full":
            camera.fill_card(fault.room_bytes)
            return camera.make_room
        case "card.slow":
            camera.card.slow(fault.bytes_per_s)
            return lambda: camera.card.slow(None)
        case "card.read_only":
            camera.break_card(errno.EROFS)
            return camera.card.mend
        case "card.corrupt":
            camera.break_card(errno.EIO)
            return camera.card.mend
        case "button.stuck":
            camera.buttons.stick("event")
            return lambda: camera.buttons.free("event")
        case "battery.cliff":
            await camera.drop_charge(fault.percent)
            return _over
        case "heat":
            camera.battery.set_ambient_c(fault.celsius)
            return lambda: camera.battery.set_ambient_c(ROOM_C)
        case "clock.step":
            camera.step_clock(fault.step_s)
            return _over
        case _:
            raise AssertionError(f"{fault.kind}: nobody has built this")


def _reboot_again_and_again(camera: SimulatedCamera, time: Timeline, every_s: float) -> End:
    async def loop() -> None:
        while True:
            await camera.power_cut()
            camera.power_on()
            await time.sleep(every_s)

    rebooting = asyncio.create_task(loop(), name=f"{camera.name} reboots")

    def end() -> None:
        rebooting.cancel()
        camera.power_on()

    return end


def drawn(scenario: Scenario, rng: random.Random) -> list[Fault]:
    """A few faults of any kinds, at any times, for the share of the cameras that chance decides."""
    found = []
    for _ in range(rng.randint(*_HOW_MANY)):
        kind = rng.choice(sorted(FAULTS))
        at_s = rng.uniform(0, 0.9) * scenario.duration_s
        for_s = rng.uniform(*_LENGTHS_S) if FAULTS[kind].lasts else 0.0
        site = rng.choice(sorted(scenario.sites))
        found.append(
            Fault(
                kind=kind, at_s=round(at_s, 3), for_s=round(min(for_s, scenario.duration_s - at_s), 3),
                share=round(rng.uniform(0.1, 0.6), 2), sites=[site] if kind == "network.partition" else [],
                step_s=round(rng.uniform(-120, 120)), latency_s=round(rng.uniform(0.05, 3), 2),
                loss=round(rng.uniform(0.05, 0.5), 2), every_s=round(rng.uniform(5, 30)),
                room_bytes=rng.choice((0, 1_000, 5_000_000)), bytes_per_s=rng.choice((20_000.0, 1_000_000.0)),
                percent=round(rng.uniform(0, 12)), celsius=round(rng.uniform(50, 75)),
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: one.at_s)
