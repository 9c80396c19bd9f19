import asyncio

import pytest

from lapel_fleet.time.simulated_clock import START, SimulatedClock
from lapel_fleet.time.timelines import ScaledTimeline, SteppedTimeline, let_run
from lapel_fleet.time.virtual_time import DeadlockError, VirtualClock, run_virtual


def test_virtual_time_jumps_from_timer_to_timer() -> None:
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


@pytest.mark.parametrize("others", [0, 1, 37])
def test_timers_of_one_moment_run_in_the_order_in_which_they_were_set(others: int) -> None:
    """A heap alone orders them in a way that depends on the other timers in it."""

    async def program(clock: VirtualClock) -> list[tuple[int, float]]:
        loop, seen = asyncio.get_running_loop(), list[tuple[int, float]]()
        for number in range(others):
            loop.call_at(number / 7, int)
        for number in range(0, 50, 2):
            loop.call_at(3.3, lambda one: seen.append((one, clock.mono_s())), number)
            loop.call_at(1.1 + 2.2, lambda one: seen.append((one, clock.mono_s())), number + 1)  # 3.3000000000000003
        await clock.sleep(4)
        return seen

    assert run_virtual(program) == [(number, 3.3) for number in range(50)]


def test_a_sleep_of_less_than_a_microsecond_ends() -> None:
    async def program(clock: VirtualClock) -> float:
        for number in range(1, 100):
            moment_s = number / 3e6  # a third of a microsecond further each time
            while clock.mono_s() < moment_s:
                await clock.sleep(moment_s - clock.mono_s())
        return clock.mono_s()

    assert run_virtual(program) == pytest.approx(33e-6, abs=2e-6)


def test_a_deadlock_raises_an_error() -> None:
    async def program(_: VirtualClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="no timer"):
        run_virtual(program)


def test_threads_are_refused_in_virtual_time() -> None:
    async def program(_: VirtualClock) -> None:
        await asyncio.to_thread(print)

    with pytest.raises(RuntimeError, match="InlineWorker"):
        run_virtual(program)


def test_a_step_changes_the_wall_clock_and_not_monotonic_time() -> None:
    async def program(clock: VirtualClock) -> tuple[float, float]:
        before = clock.now()
        clock.step(-3600)
        after = clock.now()
        return after.mono_s - before.mono_s, (after.utc - before.utc).total_seconds()

    assert run_virtual(program) == (0.0, -3600.0)


def test_a_drift_grows_with_time_and_does_not_change_monotonic_time() -> None:
    async def program(clock: VirtualClock) -> list[float]:
        begin, errors_s = clock.now(), []
        for ppm in (0, 50, -100, 0):
            clock.set_drift(ppm)
            await clock.sleep(10_000)
            now = clock.now()
            errors_s.append((now.utc - begin.utc).total_seconds() - (now.mono_s - begin.mono_s))
        return errors_s

    assert run_virtual(program) == pytest.approx([0, 0.5, -0.5, -0.5], abs=1e-5)


def test_wrong_by_s_is_the_sum_of_steps_and_drift() -> None:
    async def program(clock: VirtualClock) -> None:
        assert clock.wrong_by_s == 0
        clock.step(-90)
        clock.set_drift(100)
        await clock.sleep(10_000)
        assert clock.wrong_by_s == pytest.approx(-89)
        assert (clock.now().utc - START).total_seconds() == pytest.approx(10_000 - 89)

    run_virtual(program)


async def settled() -> None:
    """Let the woken tasks run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_stepped_time_stands_still_until_it_is_advanced() -> None:
    time, seen = SteppedTimeline(), list[tuple[float, str]]()

    async def waker(name: str, each_s: float) -> None:
        for _ in range(3):
            await time.sleep(each_s)
            seen.append((time.mono_s(), name))

    wakers = asyncio.gather(waker("a", 5), waker("b", 2))
    await settled()
    assert (time.mono_s(), seen, time.next_timer_s()) == (0.0, [], 2.0)
    await time.advance(5, settled)
    assert seen == [(2, "b"), (4, "b"), (5, "a")]  # timers that are set on the way are included
    await time.advance(0.5, settled)
    assert (time.mono_s(), len(seen)) == (5.5, 3)  # exactly there, with or without a timer
    await time.advance(100, settled)
    await wakers
    assert seen[3:] == [(6, "b"), (10, "a"), (15, "a")]
    assert (time.mono_s(), time.next_timer_s()) == (105.5, None)


async def test_concurrent_advances_follow_each_other() -> None:
    time, woken = SteppedTimeline(), list[float]()

    async def waker() -> None:
        for _ in range(3):
            await time.sleep(10)
            woken.append(time.mono_s())

    waking = asyncio.create_task(waker())
    await settled()
    await asyncio.gather(time.advance(15, settled), time.advance(15, settled))
    await waking
    assert (woken, time.mono_s()) == ([10, 20, 30], 30)


async def test_a_cancelled_sleep_in_stepped_time_sets_no_timer() -> None:
    time = SteppedTimeline()
    sleeper = asyncio.create_task(time.sleep(60))
    await settled()
    sleeper.cancel()
    await settled()
    assert time.next_timer_s() is None
    await time.sleep(0)  # returns at once
    await time.sleep(-1)
    await time.advance(60, settled)
    assert time.mono_s() == 60


@pytest.mark.parametrize("speed", [0.5, 1, 60])
def test_scaled_time_passes_speed_times_as_fast(speed: float) -> None:
    async def program(clock: VirtualClock) -> tuple[float, float]:
        await clock.sleep(100)
        time = ScaledTimeline(speed, clock=clock)
        await time.sleep(30)
        return time.mono_s(), clock.mono_s() - 100

    assert run_virtual(program) == pytest.approx((30, 30 / speed))


def test_scaled_time_is_equal_in_processes_with_the_same_start() -> None:
    async def program(clock: VirtualClock) -> tuple[float, float]:
        first = ScaledTimeline(10, clock=clock)
        await clock.sleep(7)
        late = ScaledTimeline(10, first.began_s, clock)
        return first.mono_s(), late.mono_s()

    assert run_virtual(program) == (70, 70)


def test_a_clock_is_trusted_only_at_the_speed_of_real_time() -> None:
    async def program(clock: VirtualClock) -> list[bool]:
        lines = (ScaledTimeline(1, clock=clock), ScaledTimeline(2, clock=clock), SteppedTimeline())
        return [SimulatedClock(line).is_trusted() for line in lines]

    assert run_virtual(program) == [True, False, False]


@pytest.mark.parametrize("line", ["virtual", "scaled", "stepped"])
def test_later_calls_back_unless_it_is_cancelled(line: str) -> None:
    async def program(clock: VirtualClock) -> list[str]:
        done, stepped = list[str](), SteppedTimeline()
        time = {"virtual": clock, "scaled": ScaledTimeline(2.0, clock=clock), "stepped": stepped}[line]
        time.later(10, lambda: done.append("kept"))
        cancel = time.later(5, lambda: done.append("cancelled"))
        await _pass(stepped, clock, 4, line)
        cancel()
        assert done == []
        await _pass(stepped, clock, 7, line)
        cancel()  # harmless
        return done

    assert run_virtual(program) == ["kept"]


async def _pass(stepped: SteppedTimeline, clock: VirtualClock, seconds: float, line: str) -> None:
    if line == "stepped":
        await stepped.advance(seconds, let_run)
    else:
        await clock.sleep(seconds / (2 if line == "scaled" else 1))
