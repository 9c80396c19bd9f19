from collections.abc import Awaitable, Callable

from gpiozero.pins.mock import MockFactory

from lapel.hardware.pi.indicators import BLINK_S, FLASH_S, OutputPin, PiIndicators
from lapel.indications import SIGNALS, Pattern
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from simulated_parts import RecordedIndicators

RED, GREEN, BLUE, BUZZER, VIBRATION = 5, 6, 12, 13, 19
Steps = Callable[[VirtualClock, PiIndicators, MockFactory], Awaitable[None]]


def run(steps: Steps, *without: str) -> RecordedIndicators:
    lines = RecordedIndicators()

    async def program(clock: VirtualClock) -> None:
        factory = MockFactory()
        numbers = {"red": RED, "green": GREEN, "blue": BLUE, "buzzer": BUZZER, "vibration": VIBRATION}
        pins = {name: OutputPin(factory, number, clock) for name, number in numbers.items() if name not in without}
        indicators = PiIndicators(lines, clock=clock, **pins)
        await clock.sleep(0)
        await steps(clock, indicators, factory)
        indicators.close()
        assert not lit(factory)

    run_virtual(program)
    return lines


def lit(factory: MockFactory) -> set[int]:
    return {number for number in (RED, GREEN, BLUE, BUZZER, VIBRATION) if factory.pin(number).state}


async def changes(clock: VirtualClock, factory: MockFactory, number: int, seconds: float) -> list[int]:
    """The pin's state every 10 ms, without repetitions."""
    seen: list[int] = []
    for _ in range(round(seconds * 100)):
        await clock.sleep(0.01)
        state = int(factory.pin(number).state)
        seen += [state] if not seen or seen[-1] != state else []
    return seen


def test_lights_are_solid_or_blink_or_flash() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        indicators.show_light("solid red")
        await clock.sleep(0.1)
        assert lit(factory) == {RED}
        indicators.show_light("blinking green")
        assert await changes(clock, factory, GREEN, 4 * BLINK_S + 0.1) == [1, 0, 1, 0, 1]
        assert lit(factory) <= {GREEN}
        indicators.show_light("blinking red")
        assert await changes(clock, factory, RED, 2 * BLINK_S + 0.1) == [1, 0, 1]
        indicators.show_light("flashing blue")
        assert await changes(clock, factory, BLUE, 4 * FLASH_S + 0.05) == [1, 0, 1, 0, 1]
        indicators.show_light("dark")
        await clock.sleep(1)
        assert lit(factory) == set()

    run(steps)


def test_signals_are_so_many_tones_and_vibrations() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        indicators.signal("refused", SIGNALS["refused"])
        assert (await changes(clock, factory, BUZZER, 2)).count(1) == 3
        indicators.signal("asleep", SIGNALS["asleep"])
        assert (await changes(clock, factory, BUZZER, 2)).count(1) == 0
        indicators.signal("asleep", SIGNALS["asleep"])
        assert (await changes(clock, factory, VIBRATION, 2)).count(1) == 1

    run(steps)


def test_signals_are_given_one_after_the_other_and_not_too_many_of_them() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        for _ in range(100):
            indicators.signal("recording", Pattern(tones=2))
        assert (await changes(clock, factory, BUZZER, 60)).count(1) == 8

    run(steps)


def test_silence_ends_tones_and_identification_at_once() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        indicators.show_light("dark")
        indicators.identify(60)
        indicators.signal("fault", SIGNALS["fault"])
        await clock.sleep(0.05)
        indicators.silence()
        for number in (RED, GREEN, BUZZER, VIBRATION):
            assert await changes(clock, factory, number, 5) == [0]
        indicators.signal("fault", SIGNALS["fault"])
        assert (await changes(clock, factory, BUZZER, 5)).count(1) == 3

    run(steps)


def test_red_stands_in_where_there_is_no_blue_light_and_nothing_for_green() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        indicators.show_light("blinking blue")
        assert await changes(clock, factory, RED, 1.1) == [1, 0, 1]
        indicators.show_light("blinking green")
        assert await changes(clock, factory, RED, 1.1) == [0]

    run(steps, "blue", "green")


def test_identify_blinks_and_beeps_and_then_shows_the_state_again() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        indicators.show_light("solid red")
        indicators.identify(3)
        assert (await changes(clock, factory, GREEN, 2)).count(1) > 5
        await clock.sleep(2)
        assert lit(factory) == {RED}

    assert any("3" in line for line in run(steps).lines)
