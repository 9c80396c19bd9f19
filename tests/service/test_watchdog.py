import asyncio

from lapel.service.notify import ServiceManager
from lapel.service.watchdog import LIMIT_S, TimedPart, Watchdog
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual


class Listener(ServiceManager):
    """A service manager that keeps the messages that it received."""

    def __init__(self, watchdog_s: float | None) -> None:
        super().__init__({})
        self.watchdog_s, self.messages = watchdog_s, list[dict[str, str]]()

    def notify(self, **fields: str) -> None:
        self.messages.append(fields)


def test_it_feeds_twice_as_often_as_needed_until_a_part_hangs_and_again_when_it_is_back() -> None:
    async def program(clock: VirtualClock) -> tuple[list[int], list[str]]:
        hung_since_s: list[float] = []
        part = TimedPart("video encoder", lambda: clock.mono_s() - hung_since_s[0] if hung_since_s else 0.0)
        manager, lines, counts = Listener(20.0), list[str](), list[int]()
        watchdog = Watchdog(manager, clock, lambda: [TimedPart("camera", lambda: 0.0), part], lines.append)
        running = asyncio.create_task(watchdog.run())

        async def fed_in(seconds: float) -> None:
            before = len(manager.messages)
            await clock.sleep(seconds)
            counts.append(len(manager.messages) - before)

        await fed_in(99)
        hung_since_s.append(clock.mono_s())
        await clock.sleep(LIMIT_S + 11)
        await fed_in(100)
        hung_since_s.clear()
        await fed_in(100)
        running.cancel()
        await asyncio.wait([running])
        return counts, lines

    (before, hung, after), lines = run_virtual(program)
    assert (before, hung, after) == (10, 0, 10)
    assert lines == [
        "video encoder has not answered for 30 s; without it the service manager restarts the camera",
        "every part answers again",
    ]


def test_without_a_watchdog_nothing_is_asked() -> None:
    async def program(clock: VirtualClock) -> None:
        await Watchdog(Listener(None), clock, lambda: 1 / 0, print).run()  # type: ignore[arg-type,return-value]

    run_virtual(program)
