"""Recordings: which are complete."""

from lapel_fleet.control.conformance.situation import situation
from lapel_fleet.control.conformance.situations.matches import events_of
from lapel_fleet.control.conformance.stage import Stage


@situation()
async def recording_in_progress(stage: Stage) -> None:
    """A camera has two complete recordings, and is in the middle of a third.

    A recording is complete with `recording-saved`, not with its start.
    """
    camera = await stage.camera()
    await stage.record_once(camera)
    await stage.record_once(camera)
    await stage.start_recording(camera)
    stage.ask(stage.truth(camera, "state", "recordings"))


@situation()
async def power_lost_while_recording(stage: Stage) -> None:
    """The battery is pulled in a recording. The camera finds it after the restart, and reports it as recovered.

    It is interrupted, and stays so: a list that has it as complete promises footage that does not exist.
    """
    camera = await stage.camera()
    await stage.record_once(camera)
    await stage.start_recording(camera)
    await stage.sleep(20)
    await stage.restart(camera)
    await stage.settle()
    stage.ask(stage.truth(camera, "state", "recordings"))


@situation()
async def storage_fails_while_recording(stage: Stage) -> None:
    """The storage card fails in a recording: `recording-failed`, and the camera is in the state *fault*.

    The wearer's recording goes no further. Only the back end can alert the operator in time.
    """
    camera = await stage.camera()
    await stage.record_once(camera)
    await stage.start_recording(camera)
    camera.fail_card_writes(5)
    await stage.until(lambda: camera.has_reported("fault"), "fault")
    await stage.sleep(5)
    stage.ask(stage.truth(camera, "state", "recordings"))


@situation()
async def recordings_reported_twice_and_out_of_order(stage: Stage) -> None:
    """Three recordings are reported twice, and in another order.

    Three, not six: a list of evidence has each recording once.
    """
    camera = await stage.camera()
    with stage.line.swapping(events_of(camera)):
        for _ in range(3):
            await stage.record_once(camera)
    for sent in stage.sent_events(camera):
        stage.publish_again(sent, "repeated")
    stage.ask(stage.truth(camera, "recordings"))


@situation()
async def recording_reported_after_an_outage(stage: Stage) -> None:
    """A recording is made without a network, and reported minutes later.

    Complete is complete, whenever it is reported.
    """
    camera = await stage.camera()
    await stage.record_offline(camera)
    stage.ask(stage.truth(camera, "state", "recordings"))
