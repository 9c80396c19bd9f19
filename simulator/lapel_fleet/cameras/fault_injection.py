"""What goes wrong, done to cameras: each kind of `scenario.FAULTS` begins here and says how it ends."""

import asyncio
import errno
from collections.abc import Callable

from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.time.timelines import Timeline

ROOM_C = 23.0

End = Callable[[], object]


def _over() -> None:
    """Nothing to end."""


async def begin(fault: Fault, camera: SimulatedCamera, time: Timeline) -> End:
    """Let it happen to `camera`. What is returned ends it; called again it does no harm."""
    match fault.kind:
        case "network.down":
            camera.network.unplug()
            return camera.network.plug_in
        case "network.half_open" | "network.partition":
            camera.network.make_half_open()
            return camera.network.restore
        case "network.latency":
            camera.network.degrade(latency_s=fault.latency_s)
            return camera.network.degrade
        case "network.loss":
            camera.network.degrade(loss=fault.loss)
            return camera.network.degrade
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
