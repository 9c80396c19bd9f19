"""Presence: which cameras are online, and what they do."""

from lapel_fleet.control.conformance.situation import situation
from lapel_fleet.control.conformance.situations.matches import states_of, telemetry_of, will_of
from lapel_fleet.control.conformance.stage import Stage


@situation()
async def camera_comes_online(stage: Stage) -> None:
    """A camera is switched on, and publishes its birth message.

    A camera that the back end does not show cannot be dispatched.
    """
    camera = await stage.camera()
    stage.ask(stage.truth(camera, "state"))


@situation()
async def state_changes_are_followed(stage: Stage) -> None:
    """A camera records, stops, and is put into its dock.

    Supervisors act on *recording*: one that is shown too long or not at all hides whether an incident is on record.
    """
    camera = await stage.camera()
    await stage.start_recording(camera)
    stage.ask(stage.truth(camera, "state"))
    await stage.stop_recording(camera)
    stage.ask(stage.truth(camera, "state"))
    camera.put_in_dock()
    await stage.until(lambda: camera.has_reported("docked"), "docked")
    stage.ask(stage.truth(camera, "state"))


@situation()
async def switched_off_in_order(stage: Stage) -> None:
    """A camera is shut down: it publishes `offline` itself, with a time.

    At the end of a shift the whole fleet does this; a camera that stays "online" is searched for.
    """
    camera, other = await stage.camera(), await stage.camera("cam-0002")
    await camera.switch_off()
    await stage.settle()
    stage.ask(stage.truth(camera, "state"), stage.truth(other, "state"))


@situation()
async def power_is_lost(stage: Stage) -> None:
    """A camera's battery is pulled: the broker publishes its last will, which has no time.

    A wearer whose camera went dark must be noticed; the last will is the only message that says so.
    """
    camera, other = await stage.camera(), await stage.camera("cam-0002")
    await camera.power_cut()
    await stage.settle()
    stage.ask(stage.truth(camera, "state"), stage.truth(other, "state"))


@situation()
async def late_will(stage: Stage) -> None:
    """A camera restarts; the last will of its former session arrives after the new birth message.

    A bridge or a cluster delivers so. A back end that believes it shows a recording camera as offline for the rest of
    the shift.
    """
    camera = await stage.camera()
    with stage.line.holding(will_of(camera), "held back until after the successor's birth"):
        await stage.restart(camera)
        await stage.start_recording(camera)
    await stage.settle()
    stage.ask(stage.truth(camera, "state"))


@situation()
async def late_state_of_a_former_session(stage: Stage) -> None:
    """A camera restarts; the last state of its former session arrives after the new birth message.

    A bridge's queue does that. A back end that believes it shows *recording* for a camera that lost its power since.
    """
    camera = await stage.camera()
    await stage.start_recording(camera)
    former = stage.record(camera).states[-1]
    await stage.restart(camera)
    stage.publish_again(former, "delivered late: of the former session")
    await stage.settle()
    stage.ask(stage.truth(camera, "state"))


@situation()
async def half_open_connection(stage: Stage) -> None:
    """A camera's connection is silent for two minutes in both directions; then the same session connects again.

    Tunnels and garages. The last will is of the session that lives on: `offline` is true until the birth message
    comes, and not any more after it.
    """
    camera = await stage.camera()
    await stage.start_recording(camera)
    camera.network.make_half_open()
    await stage.sleep(70)
    stage.ask(stage.truth(camera, "state", state="offline"))
    await stage.sleep(50)
    camera.network.restore()
    await stage.until(lambda: camera.is_online, "online again")
    await stage.settle()
    stage.ask(stage.truth(camera, "state"))


@situation()
async def crashed_broker_loses_the_will(stage: Stage) -> None:
    """A camera restarts, and no last will was ever published: the broker that knew it has crashed.

    The new birth message alone must move the camera to its new session.
    """
    camera = await stage.camera()
    await stage.start_recording(camera)
    with stage.line.dropping(will_of(camera)):
        await stage.restart(camera)
    await stage.settle()
    stage.ask(stage.truth(camera, "state"))


@situation()
async def telemetry_after_the_will(stage: Stage) -> None:
    """Telemetry (QoS 0) of a camera arrives after its last will: it was delayed on another path.

    Telemetry is no sign of life by itself. A back end that takes it for one shows a dead camera as online.
    """
    camera = await stage.camera()
    with stage.line.holding(telemetry_of(camera), "delayed past the last will"):
        await stage.sleep(90)
        await camera.power_cut()
        await stage.settle()
    stage.ask(stage.truth(camera, "state"))


@situation()
async def quiet_camera(stage: Stage) -> None:
    """A camera has nothing to report for an hour, and its telemetry (QoS 0) is lost.

    MQTT's keepalive watches the connection. A back end with another time-out, by the messages' times, shows healthy
    cameras as offline.
    """
    camera, other = await stage.camera(), await stage.camera("cam-0002")
    with stage.line.dropping(telemetry_of(camera)):
        await stage.sleep(3600)
    stage.ask(stage.truth(camera, "state"), stage.truth(other, "state"))


@situation()
async def states_delayed_and_then_in_one_burst(stage: Stage) -> None:
    """The back end receives nothing of a camera for minutes, then everything at once, in order.

    After a lost uplink. The newest state counts, however many came within the same second.
    """
    camera = await stage.camera()
    with stage.line.holding(states_of(camera), "delivered in one burst"):
        for _ in range(4):
            await stage.record_once(camera)
        await stage.start_recording(camera)
    stage.ask(stage.truth(camera, "state"))


@situation()
async def retained_states_again(stage: Stage) -> None:
    """Every retained state is delivered once more, while the cameras live.

    After each new subscription, and whenever a bridge reconnects. Nothing has changed.
    """
    recording, off = await stage.camera(), await stage.camera("cam-0002")
    await stage.start_recording(recording)
    await off.power_cut()
    await stage.settle()
    stage.replay_retained()
    stage.ask(stage.truth(recording, "state", "events"), stage.truth(off, "state", "events"))
