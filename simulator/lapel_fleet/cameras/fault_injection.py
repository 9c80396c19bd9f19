"""Injects faults into cameras: begins each kind of `scenario.faults.FAULTS`, and returns how to end it."""

import asyncio
import errno
from collections.abc import Callable

from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.hardware.battery import ROOM_C
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.time.timelines import Timeline

End = Callable[[], object]


def _nothing_to_end() -> None:
    """The end of a fault that happens once."""


async def begin(fault: Fault, camera: SimulatedCamera, time: Timeline) -> End:
    """Inject a fault into `camera`. Call what is returned to end it; calling it again is harmless."""
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
        case "delivery.redelivered" | "delivery.late_will" | "delivery.late_state" | "delivery.swapped":
            return _disturb_delivery(fault, camera)
        case "delivery.delayed" | "delivery.burst" | "delivery.qos0_lost" | "delivery.state_again":
            return _disturb_delivery(fault, camera)
        case "power.cut":
            await camera.power_cut()
            return camera.power_on
        case "power.reboot_loop":
            return _begin_reboot_loop(camera, time, fault.every_s)
        case "video.unplugged":
            camera.unplug_video()
            return camera.plug_in_video
        case "video.frozen":
            camera.freeze_video()
            return camera.unfreeze_video
        case "microphone.unplugged":
            camera.unplug_microphone()
            return camera.plug_in_microphone
        case "microphone.silent":
            camera.silence_microphone()
            return camera.microphone.end_silence
        case "microphone.drift":
            camera.drift_microphone(fault.drift_ppm)
            return lambda: camera.drift_microphone(0.0)
        case "microphone.delayed":
            camera.delay_microphone(fault.latency_s)
            return lambda: camera.delay_microphone(0.0)
        case "card.full":
            camera.fill_card(fault.room_bytes)
            return camera.make_room
        case "card.slow":
            camera.card.slow(fault.bytes_per_s)
            return lambda: camera.card.slow(None)
        case "card.read_only":
            camera.fail_card_writes(errno.EROFS)
            return camera.card.mend
        case "card.corrupt":
            camera.fail_card_writes(errno.EIO)
            return camera.card.mend
        case "button.stuck":
            camera.switches.stick("event")
            return lambda: camera.switches.free("event")
        case "battery.cliff":
            await camera.drop_charge(fault.percent)
            return _nothing_to_end
        case "heat":
            camera.battery.set_ambient_c(fault.celsius)
            return lambda: camera.battery.set_ambient_c(ROOM_C)
        case "clock.step":
            camera.step_clock(fault.step_s)
            return _nothing_to_end
        case _:
            raise AssertionError(f"{fault.kind}: has no implementation")


def _disturb_delivery(fault: Fault, camera: SimulatedCamera) -> End:
    def session_of(payload: bytes) -> str:
        presence = camera.contract.decode_presence(payload)
        return presence.session if presence is not None else ""

    end = camera.network.disturb_delivery(fault.kind, session_of, fault.latency_s)
    if camera.network.disturbs_every_subscriber and fault.kind != "delivery.redelivered":
        camera.actual.delivery_faults.append(fault.kind)
    return end


def _begin_reboot_loop(camera: SimulatedCamera, time: Timeline, every_s: float) -> End:
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
