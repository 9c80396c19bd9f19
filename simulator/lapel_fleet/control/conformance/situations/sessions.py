"""Sessions: one run of the firmware each. A camera that restarts has a new one."""

from lapel_fleet.control.conformance.situation import situation
from lapel_fleet.control.conformance.situations.matches import states_of, will_of
from lapel_fleet.control.conformance.stage import Stage


@situation()
async def restart(stage: Stage) -> None:
    """A camera's battery is swapped in the middle of a recording.

    The new session is the live one; events of both remain, though their numbers start again at 1.
    """
    camera = await stage.camera()
    await stage.record_once(camera)
    await stage.restart(camera)
    await stage.record_once(camera)
    stage.ask(stage.truth(camera, "state", "session", "events"))


@situation()
async def reboot_loop(stage: Stage) -> None:
    """A weak battery contact restarts a camera five times in a row.

    Each session ends the one before. The last one counts, and no event of the others is lost.
    """
    camera = await stage.camera()
    for _ in range(5):
        await stage.restart(camera, off_s=stage.rng.uniform(1, 80))
    await stage.settle()
    stage.ask(stage.truth(camera, "state", "session", "events"))


@situation()
async def two_former_sessions_at_once(stage: Stage) -> None:
    """A camera restarts twice; then the births of both former sessions are delivered again, in order.

    A bridge that reconnects resends its queue. Neither of them is live.
    """
    camera = await stage.camera()
    births = [stage.record(camera).states[-1]]
    for _ in range(2):
        await stage.restart(camera)
        births.append(stage.record(camera).states[-1])
    for birth in births[:2]:
        stage.publish_again(birth, "delivered late: of a former session")
    stage.ask(stage.truth(camera, "state", "session"))


@situation()
async def states_of_one_session_repeated(stage: Stage) -> None:
    """A camera's connection breaks between its states and their acknowledgement: they are delivered again, in order.

    The last of the repeats is the newest state. A back end that counts changes must not end anywhere else.
    """
    camera = await stage.camera()
    with stage.line.repeating(states_of(camera)):
        await stage.record_once(camera)
        await stage.start_recording(camera)
    stage.ask(stage.truth(camera, "state", "session"))


@situation()
async def session_after_a_late_will(stage: Stage) -> None:
    """A camera restarts; the last will and the last state of its former session arrive after the new birth message.

    The late messages must not bring the former session back, even where the state happens to be shown correctly.
    """
    camera = await stage.camera()
    former = stage.record(camera).states[-1]
    with stage.line.holding(will_of(camera), "held back until after the successor's birth"):
        await stage.restart(camera)
        stage.publish_again(former, "delivered late: of the former session")
    stage.ask(stage.truth(camera, "session"))


@situation()
async def new_connection_of_the_same_session(stage: Stage) -> None:
    """A restarted camera's connection is half-open for a while, and comes back in the same session.

    A connection is not a session: the session changes with the firmware's start only.
    """
    camera = await stage.camera()
    await stage.restart(camera)
    camera.network.make_half_open()
    await stage.sleep(120)
    camera.network.restore()
    await stage.until(lambda: camera.is_online, "online again")
    stage.ask(stage.truth(camera, "session"))


@situation()
async def restart_while_the_back_end_is_away(stage: Stage) -> None:
    """While the back end is away a camera restarts, and its late will is never seen.

    The retained birth message names the new session.
    """
    camera = await stage.camera()
    stage.ask(stage.truth(camera, "session"))
    stage.stop_back_end()
    await stage.restart(camera)
    await stage.settle()
    stage.start_back_end()
    stage.ask(stage.truth(camera, "state", "session"))


@situation()
async def duplicate_name(stage: Stage) -> None:
    """A second device is given the name of a live camera; later it is switched off, and the first one returns.

    It happens at every roll-out. The session that publishes now is live, even if another one replaced it before.
    """
    first = await stage.camera()
    second = await stage.camera()
    live = stage.record(second).sessions[-1]
    stage.ask(stage.truth(second, "state", "session", session=live))
    await second.switch_off()
    await stage.until(lambda: first.is_online, "the first device online again")
    await stage.settle()
    stage.ask(stage.truth(first, "state", "session", session=stage.record(first).sessions[0]))
