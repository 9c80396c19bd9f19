import asyncio

import pytest

from lapel_fleet.clock import START, DeadlockError, VirtualClock, run_virtual


def test_a_day_takes_no_time_and_wakes_in_order() -> None:
    async def program(clock: VirtualClock) -> list[tuple[float, str]]:
        seen: list[tuple[float, str]] = []

        async def waker(name: str, each_s: float) -> None:
            for _ in range(3):
                await clock.sleep(each_s)
                seen.append((clock.mono_s(), name))

        await asyncio.gather(waker("a", 28_800), waker("b", 20_000))
        return seen

    assert run_virtual(program) == [
        (20_000, "b"), (28_800, "a"), (40_000, "b"), (57_600, "a"), (60_000, "b"), (86_400, "a"),
    ]  # fmt: skip


def test_a_deadlock_is_an_error_and_not_a_hang() -> None:
    async def program(_: VirtualClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="no timer"):
        run_virtual(program)


def test_a_thread_is_refused() -> None:
    async def program(_: VirtualClock) -> None:
        await asyncio.to_thread(print)

    with pytest.raises(RuntimeError, match="InlineWorker"):
        run_virtual(program)


def test_a_step_moves_the_wall_clock_alone() -> None:
    async def program(clock: VirtualClock) -> tuple[float, float]:
        before = clock.now()
        clock.step(-3600)
        after = clock.now()
        return after.mono_s - before.mono_s, (after.utc - before.utc).total_seconds()

    assert run_virtual(program) == (0.0, -3600.0)


def test_a_drift_grows_with_time_and_leaves_monotonic_time_alone() -> None:
    async def program(clock: VirtualClock) -> list[float]:
        begin, errors_s = clock.now(), []
        for ppm in (0, 50, -100, 0):
            clock.set_drift(ppm)
            await clock.sleep(10_000)
            now = clock.now()
            errors_s.append((now.utc - begin.utc).total_seconds() - (now.mono_s - begin.mono_s))
        return errors_s

    assert run_virtual(program) == pytest.approx([0, 0.5, -0.5, -0.5], abs=1e-5)


def test_a_clock_knows_how_wrong_it_is() -> None:
    async def program(clock: VirtualClock) -> None:
        assert clock.wrong_by_s == 0
        clock.step(-90)
        clock.set_drift(100)
        await clock.sleep(10_000)
        assert clock.wrong_by_s == pytest.approx(-89)
        assert (clock.now().utc - START).total_seconds() == pytest.approx(10_000 - 89)

    run_virtual(program)
