"""Events: each once, complete, in the order in which they happened, and with the right camera."""

from datetime import timedelta

from lapel_fleet.control.conformance.situation import situation
from lapel_fleet.control.conformance.situations.matches import all_of, events_of, everything, is_event
from lapel_fleet.control.conformance.stage import Stage, made_event
from lapel_fleet.control.conformance.story import Truth

_MANY = 10_000


@situation()
async def repeated_events(stage: Stage) -> None:
    """The broker's acknowledgements are lost: the same events are delivered again, with the same ids.

    QoS 1 means at least once. Counted twice, one activation becomes two in a report to a court.
    """
    camera = await stage.camera()
    with stage.line.repeating(events_of(camera)):
        await stage.record_once(camera)
    stage.ask(stage.truth(camera, "events"))


@situation()
async def repeated_event_after_many_others(stage: Stage) -> None:
    """An event is repeated after some hundred others of the same camera.

    A memory of the last few ids is not enough: a bridge's queue may hold hours. Nor does an old change of state,
    delivered again, change the state.
    """
    camera = await stage.camera()
    with stage.line.repeating(events_of(camera)):
        await stage.start_recording(camera)
    await stage.mark(camera, times=150)
    await stage.stop_recording(camera)
    published = list(stage.sent_events(camera))
    for sent in [*stage.rng.sample(published[6:], 5), *published[:6]]:
        stage.publish_again(sent, "repeated after many others")
    stage.ask(stage.truth(camera, "state", "events"))


@situation()
async def events_repeated_after_a_restart(stage: Stage) -> None:
    """A camera loses its power before an event is acknowledged, and sends it again in its next session.

    Same event, same id, another connection.
    """
    camera = await stage.camera()
    await stage.record_once(camera)
    unacknowledged = list(stage.sent_events(camera))[-3:]
    await stage.restart(camera)
    for sent in unacknowledged:
        stage.publish_again(sent, "repeated: it was not acknowledged before the power cut")
    await stage.record_once(camera)
    stage.ask(stage.truth(camera, "events"))


@situation()
async def swapped_events_of_one_camera(stage: Stage) -> None:
    """A bridge delivers a camera's events in another order.

    `mono_s` says in which order they happened. A stop before its start is no recording.
    """
    camera = await stage.camera()
    with stage.line.swapping(events_of(camera)):
        await stage.record_once(camera)
        await stage.record_once(camera)
    stage.ask(stage.truth(camera, "events"))


@situation()
async def swapped_events_of_different_cameras(stage: Stage) -> None:
    """Messages of four cameras overtake each other; those of each camera stay in order.

    MQTT promises nothing across topics.
    """
    cameras = [await stage.camera(f"cam-000{number}") for number in range(1, 5)]
    with stage.line.mixing(everything):
        for camera in cameras:
            await stage.start_recording(camera)
        await stage.sleep(20)
        for camera in cameras:
            await stage.stop_recording(camera)
    stage.ask(*(stage.truth(camera, "state", "events") for camera in cameras))


@situation()
async def events_that_come_after_offline(stage: Stage) -> None:
    """A camera without a network records; its events arrive minutes later, after its last will and its new birth.

    They are as true as any other, and do not belong to the moment of their arrival.
    """
    camera = await stage.camera()
    await stage.record_offline(camera)
    stage.ask(stage.truth(camera, "state", "events"))


@situation()
async def event_that_overtakes_the_birth(stage: Stage) -> None:
    """A restarted camera's first events arrive before its birth message: other topic, other path.

    They belong to the new session. The camera is not offline because its old will is the newest state.
    """
    camera = await stage.camera()
    await camera.power_cut()
    await stage.sleep(60)
    with stage.line.holding(lambda sent: sent.camera == camera.name and not is_event(sent), "overtaken by events"):
        await stage.power_on(camera)
        await stage.record_once(camera)
    stage.ask(stage.truth(camera, "state", "events"))


@situation()
async def clock_stepped_back(stage: Stage) -> None:
    """A camera's wall clock is set back by an hour in the middle of a recording.

    The later events have the earlier times. `mono_s` orders them.
    """
    await _with_a_stepped_clock(stage, -3600)


@situation()
async def clock_stepped_forward(stage: Stage) -> None:
    """A camera's wall clock jumps ahead by a day, and later back.

    What came in between has times in the future. It must neither be dropped nor sorted to the end.
    """
    await _with_a_stepped_clock(stage, 86_400)


@situation()
async def clock_was_never_set(stage: Stage) -> None:
    """A camera starts with its clock at the year 2000, and gets the time later.

    It records in the meantime, and says so. States and events of the year 2000 are today's.
    """
    camera = await stage.camera()
    await camera.power_cut()
    camera.step_clock(-25 * 365 * 86_400.0)
    await stage.sleep(60)
    await stage.power_on(camera)
    await stage.record_once(camera)
    stage.ask(stage.truth(camera, "state", "events"))
    camera.step_clock(25 * 365 * 86_400.0)
    await stage.record_once(camera)
    stage.ask(stage.truth(camera, "state", "events"))


@situation()
async def burst_of_10000_events(stage: Stage) -> None:
    """After an outage 10,000 events of one camera arrive at once; some of them twice.

    None is lost, none counted twice, and the back end still knows what the camera does.
    """
    camera = await stage.camera()
    session, mono_s = stage.record(camera).sessions[-1], camera.clock.mono_s()
    start = stage.place.start + timedelta(seconds=mono_s)
    made = [
        made_event(camera.name, session, number, "marker", mono_s + number / 100, start)
        for number in range(1001, 1001 + _MANY)
    ]
    for number, event in enumerate(made):
        stage.deliver_made(camera, event)
        if number % 1000 == 999:
            for one in made[number - 19 : number + 1]:
                stage.deliver_made(camera, one)
    await stage.start_recording(camera)
    truth = stage.truth(camera, "state", "events")
    events = tuple(sorted({one.id: one for one in [*(truth.events or ()), *made]}.values(), key=lambda one: one.mono_s))
    stage.ask(Truth(camera.name, state=truth.state, events=events))


@situation()
async def same_name_at_two_sites(stage: Stage) -> None:
    """Two sites have a camera of the same name; one of them records, the other loses its power.

    Names are unique within a site only. Evidence that is filed under the other camera is lost.
    """
    here, there = await stage.camera(), await stage.camera(site="b")
    await stage.record_once(here)
    await there.power_cut()
    await stage.settle()
    stage.ask(
        stage.truth(here, "state", "events"),
        stage.truth(there, "state", "events"),
    )


@situation()
async def everything_seconds_late(stage: Stage) -> None:
    """One camera's messages take a minute longer than the others'.

    A satellite uplink. Order within the camera stays, and nothing is too late to be true.
    """
    slow, fast = await stage.camera(), await stage.camera("cam-0002")
    for _ in range(3):
        with stage.line.holding(all_of(slow), "a minute late"):
            await stage.record_once(slow)
            await stage.record_once(fast)
            await stage.sleep(30)
    stage.ask(
        stage.truth(slow, "state", "events"),
        stage.truth(fast, "state", "events"),
    )


async def _with_a_stepped_clock(stage: Stage, step_s: float) -> None:
    camera = await stage.camera()
    await stage.start_recording(camera)
    await stage.mark(camera)
    camera.step_clock(step_s)
    await stage.mark(camera, times=2)
    await stage.stop_recording(camera)
    stage.ask(stage.truth(camera, "state", "events"))
    camera.step_clock(-step_s)
    await stage.start_recording(camera)
    stage.ask(stage.truth(camera, "state"))
    await stage.stop_recording(camera)
    await stage.record_once(camera)
    stage.ask(stage.truth(camera, "state", "events"))
