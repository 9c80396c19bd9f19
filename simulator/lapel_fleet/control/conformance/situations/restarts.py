"""The back end itself starts late, restarts, or loses its database."""

from lapel_fleet.control.conformance.situation import situation
from lapel_fleet.control.conformance.stage import Stage


@situation()
async def late_start_of_the_back_end(stage: Stage) -> None:
    """The cameras are there first: the back end starts into retained states only.

    After each deployment. Retained states are as true as live ones: recording, buffering and offline alike.
    """
    stage.stop_back_end()
    idle, recording, off = [await stage.camera(f"cam-000{number}") for number in (1, 2, 3)]
    await stage.start_recording(recording)
    await off.power_cut()
    await stage.settle()
    stage.start_back_end()
    stage.ask(stage.truth(idle, "state"), stage.truth(recording, "state"), stage.truth(off, "state"))


@situation()
async def restart_of_the_back_end(stage: Stage) -> None:
    """The back end is restarted, and nothing happens meanwhile.

    What it had acknowledged it must still have: the broker does not send events again.
    """
    camera, off = await stage.camera(), await stage.camera("cam-0002")
    await stage.record_once(camera)
    await off.power_cut()
    await stage.settle()
    stage.ask(stage.truth(camera, "state", "events"))
    stage.stop_back_end()
    await stage.sleep(60)
    stage.start_back_end()
    stage.ask(stage.truth(camera, "state", "events"), stage.truth(off, "state", "events"))


@situation()
async def changes_while_the_back_end_is_away(stage: Stage) -> None:
    """While the back end is away one camera starts to record, one loses its power, and one restarts.

    What its database says is old. The retained states are newer.
    """
    recording, off, restarted = [await stage.camera(f"cam-000{number}") for number in (1, 2, 3)]
    stage.ask(*(stage.truth(one, "state") for one in (recording, off, restarted)))
    stage.stop_back_end()
    await stage.start_recording(recording)
    await off.power_cut()
    await stage.restart(restarted)
    await stage.settle()
    stage.start_back_end()
    stage.ask(
        stage.truth(recording, "state", "events"),
        stage.truth(off, "state", "events"),
        stage.truth(restarted, "state", "events"),
    )


@situation()
async def camera_lived_and_died_while_the_back_end_was_away(stage: Stage) -> None:
    """While the back end is away a camera restarts, and then loses its power for good.

    The retained message is the last will of a session that the back end does not know. It is the newest truth.
    """
    camera = await stage.camera()
    stage.ask(stage.truth(camera, "state"))
    stage.stop_back_end()
    await stage.restart(camera)
    await stage.sleep(60)
    await camera.power_cut()
    await stage.settle()
    stage.start_back_end()
    stage.ask(stage.truth(camera, "state"))


@situation()
async def back_end_with_an_empty_database(stage: Stage) -> None:
    """The back end starts again with an empty database, while the cameras go on.

    Disaster recovery. The states come back from the broker at once; new events are kept from then on.
    """
    camera, off = await stage.camera(), await stage.camera("cam-0002")
    await stage.record_once(camera)
    await off.power_cut()
    await stage.settle()
    stage.stop_back_end()
    stage.start_back_end(empty=True)
    await stage.start_recording(camera)
    stage.ask(stage.truth(camera, "state", "events"), stage.truth(off, "state"))


@situation()
async def leftover_of_a_camera_that_is_gone(stage: Stage) -> None:
    """The broker still has the retained `offline` of a camera that was scrapped; the back end starts.

    It is history: offline, not a new camera, and no obstacle for the ones behind it.
    """
    stage.stop_back_end()
    gone = await stage.camera("a-scrapped-camera")
    await gone.power_cut()
    await stage.settle()
    live = await stage.camera("cam-0002")
    stage.start_back_end()
    stage.ask(stage.truth(gone, "state"), stage.truth(live, "state"))
