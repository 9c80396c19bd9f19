import asyncio
from collections.abc import Sequence

from lapel import audit_trail
from lapel.audit_entry import AuditEntry, AuditPosition
from lapel.audit_trail import AuditTrail
from lapel.errors import StorageError
from lapel.worker import InlineWorker
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


class Card(MemoryStorage):
    """A card whose audit log can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[AuditEntry] = []
        self.fails = False

    def log(self, entries: Sequence[AuditEntry]) -> AuditPosition:
        if self.fails:
            raise StorageError("card: the disk failed")
        self.entries += entries
        return AuditPosition(len(self.entries), "0" * 64)

    @property
    def events(self) -> list[str]:
        return [one.event for one in self.entries]


def trail_on(card: Card, clock: VirtualClock) -> AuditTrail:
    return AuditTrail(card, InlineWorker(), clock, "session-1", heartbeat_s=60.0)


def test_entries_are_written_in_order_and_the_last_ones_at_the_end() -> None:
    card = Card()

    async def program(clock: VirtualClock) -> None:
        trail = trail_on(card, clock)
        running = asyncio.create_task(trail.run())
        trail.note("power-on", {"reason": ""})
        await clock.sleep(1)
        assert card.events == ["power-on"]
        assert trail.position is not None
        trail.note("refused", {})
        trail.note("power-off", {})
        trail.close()
        await running

    run_virtual(program)
    assert card.events == ["power-on", "refused", "power-off"]
    assert [one.session for one in card.entries] == ["session-1"] * 3


def test_a_heartbeat_is_noted_only_when_nothing_else_was() -> None:
    card = Card()

    async def program(clock: VirtualClock) -> None:
        trail = trail_on(card, clock)
        running = asyncio.create_task(trail.run())
        for second in range(0, 240, 30):
            if second == 90:
                trail.note("marker", {})
            trail.heartbeat("buffering")
            await clock.sleep(30)
        trail.close()
        await running

    run_virtual(program)
    assert [(one.event, one.mono_s) for one in card.entries] == [
        ("heartbeat", 60.0),
        ("marker", 90.0),
        ("heartbeat", 150.0),
        ("heartbeat", 210.0),
    ]


def test_what_a_failing_disk_does_not_take_is_written_later() -> None:
    card = Card()

    async def program(clock: VirtualClock) -> None:
        trail = trail_on(card, clock)
        running = asyncio.create_task(trail.run())
        card.fails = True
        trail.note("storage-failed", {})
        await clock.sleep(1)
        assert card.events == []
        card.fails = False
        trail.heartbeat("fault")
        await clock.sleep(1)
        trail.close()
        await running

    run_virtual(program)
    assert card.events == ["storage-failed"]


def test_entries_that_memory_had_no_room_for_are_counted() -> None:
    card = Card()

    async def program(clock: VirtualClock) -> None:
        trail = trail_on(card, clock)
        running = asyncio.create_task(trail.run())
        card.fails = True
        for _ in range(audit_trail.UNWRITTEN_MAX + 7):
            trail.note("refused", {})
        await clock.sleep(1)
        card.fails = False
        trail.heartbeat("fault")
        await clock.sleep(1)
        trail.close()
        await running

    run_virtual(program)
    assert len(card.entries) == audit_trail.UNWRITTEN_MAX + 1
    assert (card.entries[-1].event, card.entries[-1].detail["count"]) == ("entries-lost", 7)


def test_a_disk_that_never_works_does_not_hold_up_the_end() -> None:
    card = Card()
    card.fails = True

    async def program(clock: VirtualClock) -> None:
        trail = trail_on(card, clock)
        running = asyncio.create_task(trail.run())
        trail.note("power-on", {})
        await clock.sleep(1)
        trail.note("power-off", {})
        trail.close()
        await running

    run_virtual(program)
