import asyncio

import pytest

from lapel_fleet.time.simulated_clock import START, SimulatedClock
from lapel_fleet.time.timelines import ScaledTimeline, SteppedTimeline, let_run
from lapel_fleet.time.virtual_time import DeadlockError, VirtualClock, run_virtual


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


@pytest.mark.parametrize("others", [0, 1, 37])
def test_timers_of_one_moment_run_in_the_order_in_which_they_were_set(others: int) -> None:
    """A heap would take them in any order, and that hangs on who else is there."""

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


def test_who_waits_for_a_moment_gets_there_however_near_it_is() -> None:
    async def program(clock: VirtualClock) -> float:
        for number in range(1, 100):
            moment_s = number / 3e6  # a third of a microsecond further each time
            while clock.mono_s() < moment_s:
                await clock.sleep(moment_s - clock.mono_s())
        return clock.mono_s()

    assert run_virtual(program) == pytest.approx(33e-6, abs=2e-6)


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


async def nothing_left_to_do() -> None:
    """What was woken has run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_stepped_time_stands_still_until_it_is_moved_on() -> None:
    time, seen = SteppedTimeline(), list[tuple[float, str]]()

    async def waker(name: str, each_s: float) -> None:
        for _ in range(3):
            await time.sleep(each_s)
            seen.append((time.mono_s(), name))

    wakers = asyncio.gather(waker("a", 5), waker("b", 2))
    await nothing_left_to_do()
    assert (time.mono_s(), seen, time.next_waking_s()) == (0.0, [], 2.0)
    await time.advance(5, nothing_left_to_do)
    assert seen == [(2, "b"), (4, "b"), (5, "a")]  # who falls asleep again on the way is woken on the way
    await time.advance(0.5, nothing_left_to_do)
    assert (time.mono_s(), len(seen)) == (5.5, 3)  # to the very moment, whether or not somebody wakes at it
    await time.advance(100, nothing_left_to_do)
    await wakers
    assert seen[3:] == [(6, "b"), (10, "a"), (15, "a")]
    assert (time.mono_s(), time.next_waking_s()) == (105.5, None)


async def test_who_moves_stepped_time_on_meanwhile_waits_for_his_turn() -> None:
    time, woken = SteppedTimeline(), list[float]()

    async def waker() -> None:
        for _ in range(3):
            await time.sleep(10)
            woken.append(time.mono_s())

    waking = asyncio.create_task(waker())
    await nothing_left_to_do()
    await asyncio.gather(time.advance(15, nothing_left_to_do), time.advance(15, nothing_left_to_do))
    await waking
    assert (woken, time.mono_s()) == ([10, 20, 30], 30)


async def test_a_sleeper_of_stepped_time_that_gave_up_is_forgotten() -> None:
    time = SteppedTimeline()
    sleeper = asyncio.create_task(time.sleep(60))
    await nothing_left_to_do()
    sleeper.cancel()
    await nothing_left_to_do()
    assert time.next_waking_s() is None
    await time.sleep(0)  # no time at all is not waited for
    await time.sleep(-1)
    await time.advance(60, nothing_left_to_do)
    assert time.mono_s() == 60


@pytest.mark.parametrize("speed", [0.5, 1, 60])
def test_scaled_time_goes_so_many_times_as_fast(speed: float) -> None:
    async def program(clock: VirtualClock) -> tuple[float, float]:
        await clock.sleep(100)
        time = ScaledTimeline(speed, clock=clock)
        await time.sleep(30)
        return time.mono_s(), clock.mono_s() - 100

    assert run_virtual(program) == pytest.approx((30, 30 / speed))


def test_processes_that_are_told_one_beginning_agree_on_scaled_time() -> None:
    async def program(clock: VirtualClock) -> tuple[float, float]:
        first = ScaledTimeline(10, clock=clock)
        await clock.sleep(7)
        late = ScaledTimeline(10, first.began_s, clock)
        return first.mono_s(), late.mono_s()

    assert run_virtual(program) == (70, 70)


def test_only_who_lives_at_the_speed_of_all_others_trusts_his_clock() -> None:
    async def program(clock: VirtualClock) -> list[bool]:
        lines = (ScaledTimeline(1, clock=clock), ScaledTimeline(2, clock=clock), SteppedTimeline())
        return [SimulatedClock(line).is_trusted() for line in lines]

    assert run_virtual(program) == [True, False, False]


@pytest.mark.parametrize("line", ["virtual", "scaled", "stepped"])
def test_what_is_to_be_done_later_is_done_then_unless_it_is_called_off(line: str) -> None:
    async def program(clock: VirtualClock) -> list[str]:
        done, stepped = list[str](), SteppedTimeline()
        time = {"virtual": clock, "scaled": ScaledTimeline(2.0, clock=clock), "stepped": stepped}[line]
        time.later(10, lambda: done.append("kept"))
        call_off = time.later(5, lambda: done.append("called off"))
        await _pass(stepped, clock, 4, line)
        call_off()
        assert done == []
        await _pass(stepped, clock, 7, line)
        call_off()  # harmless
        return done

    assert run_virtual(program) == ["kept"]


async def _pass(stepped: SteppedTimeline, clock: VirtualClock, seconds: float, line: str) -> None:
    if line == "stepped":
        await stepped.advance(seconds, let_run)
    else:
        await clock.sleep(seconds / (2 if line == "scaled" else 1))
