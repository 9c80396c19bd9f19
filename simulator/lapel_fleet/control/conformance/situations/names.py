"""Names: cameras renamed, swapped, removed, and named in every way that the contract allows."""

from lapel_fleet.control.conformance.situation import situation
from lapel_fleet.control.conformance.stage import Stage


@situation()
async def renamed_camera(stage: Stage) -> None:
    """A device is given another name: the old name goes offline in order, the new one comes online.

    The old name's events stay with the old name.
    """
    before = await stage.camera()
    await stage.record_once(before)
    await before.switch_off()
    after = await stage.camera("cam-0001-new")
    await stage.record_once(after)
    stage.ask(
        stage.truth(before, "state", "events"),
        stage.truth(after, "state", "events"),
    )


@situation()
async def replaced_device(stage: Stage) -> None:
    """A broken device is replaced by another one under the same name.

    One camera to the back end, in a new session; the events of both devices are its history.
    """
    broken = await stage.camera()
    await stage.record_once(broken)
    await broken.power_cut()
    await stage.settle()
    spare = await stage.camera()
    await stage.record_once(spare)
    stage.ask(stage.truth(spare, "state", "events"))


@situation()
async def removed_camera(stage: Stage) -> None:
    """The operator clears the retained state of a camera that is off: an empty payload on its topic.

    It is no state and no JSON. The back end goes on with the others.
    """
    removed, other = await stage.camera(), await stage.camera("cam-0002")
    await removed.power_cut()
    await stage.settle()
    stage.clear_retained(removed)
    await stage.record_once(other)
    stage.ask(stage.truth(other, "state", "events"))


@situation()
async def unusual_names(stage: Stage) -> None:
    """Cameras are called `Unit 7 (spare)`, `Kö-Ö.1`, `50%`, `a&b?c` and `cam-0001` with other capitals.

    The contract allows every printable character but `/`, `+` and `#`. A name that a query garbles is a lost camera.
    """
    names = ("Unit 7 (spare)", "Kö-Ö.1", "50%", "a&b?c=d", "CAM-0001", "cam-0001")
    cameras = [await stage.camera(name) for name in names]
    await stage.start_recording(cameras[-1])
    await cameras[0].power_cut()
    await stage.settle()
    stage.ask(*(stage.truth(camera, "state", "events") for camera in cameras))
