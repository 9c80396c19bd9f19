"""The session on a slow line, where every message takes 5 s: outdated messages must not be sent late."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from bench.bench_storm import Silent
from fleet.checkers.records import event, telemetry
from lapel.link.contract import LapelV1
from lapel.link.journal import MemoryJournal
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.transport import Envelope
from lapel.worker import InlineWorker
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from link.wire import Wire

CONTRACT = LapelV1("demo", "home", "cam-0001")
HOST = Silent("cam-0001", "s")
SOMETHING = event(1)


class SlowWire(Wire):
    async def publish(self, message: Envelope) -> None:
        await super().publish(message)
        await asyncio.sleep(5)


def play(story: Callable[[VirtualClock, Session, SlowWire], Coroutine[Any, Any, None]]) -> SlowWire:
    async def program(clock: VirtualClock) -> SlowWire:
        wire, outbox = SlowWire(), Outbox(MemoryJournal(), InlineWorker())
        link = Session(wire, CONTRACT, clock, outbox, session="s", rng=random.Random(1), spread_s=1.0)
        life = asyncio.create_task(link.run(HOST))
        try:
            await story(clock, link, wire)
        finally:
            life.cancel()
            await asyncio.wait([life])
        return wire

    return run_virtual(program)


def test_telemetry_older_than_the_newest_state_is_not_sent() -> None:
    async def story(clock: VirtualClock, link: Session, _: SlowWire) -> None:
        await clock.sleep(6)
        link.publish(SOMETHING)
        await clock.sleep(1)
        link.publish(telemetry("buffering"))
        link.publish(HOST.state_message())
        await clock.sleep(20)
        link.publish(telemetry("recording"))
        await clock.sleep(6)

    wire = play(story)
    assert [one["state"] for one in wire.received("telemetry")] == ["recording"]


def test_telemetry_does_not_wait_for_the_next_connection() -> None:
    async def story(clock: VirtualClock, link: Session, wire: SlowWire) -> None:
        await clock.sleep(6)
        link.publish(SOMETHING)
        await clock.sleep(1)
        link.publish(telemetry())
        wire.cut()
        await clock.sleep(100)
        wire.up = True
        await clock.sleep(100)

    wire = play(story)
    assert len(wire.received("state")) > 1
    assert wire.received("telemetry") == []


def test_close_before_the_birth_is_acknowledged_still_publishes_offline() -> None:
    """The broker may have published the birth already, and a clean disconnect suppresses the last will."""

    async def story(clock: VirtualClock, link: Session, _: SlowWire) -> None:
        await clock.sleep(2)
        assert not link.status().up
        await link.close("the battery is critical")

    wire = play(story)
    assert [one["state"] for one in wire.received("state")] == ["buffering", "offline"]


def test_close_with_a_long_outbox_on_a_slow_line_still_publishes_offline() -> None:
    async def story(clock: VirtualClock, link: Session, _: SlowWire) -> None:
        await clock.sleep(6)
        for number in range(1, 10):
            link.publish(event(number))
        await clock.sleep(1)
        await link.close("the battery is critical")

    wire = play(story)
    assert [one["state"] for one in wire.received("state")] == ["buffering", "offline"]
    assert len(wire.received("event")) < 9
