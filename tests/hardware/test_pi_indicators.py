from collections.abc import Awaitable, Callable

from gpiozero.pins.mock import MockFactory

from lapel.hardware.pi.indicators import BLINK_S, OutputPin, PiIndicators
from lapel.states import State
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from simulated_parts import RecordedIndicators

RED, GREEN, BUZZER, VIBRATION = 5, 6, 13, 19
Steps = Callable[[VirtualClock, PiIndicators, MockFactory], Awaitable[None]]


def run(steps: Steps) -> RecordedIndicators:
    lines = RecordedIndicators()

    async def program(clock: VirtualClock) -> None:
        factory = MockFactory()
        pins = [OutputPin(factory, number, clock) for number in (RED, GREEN, BUZZER, VIBRATION)]
        indicators = PiIndicators(lines, red=pins[0], green=pins[1], buzzer=pins[2], vibration=pins[3], clock=clock)
        await clock.sleep(0)
        await steps(clock, indicators, factory)
        indicators.close()
        assert not lit(factory)

    run_virtual(program)
    return lines


def lit(factory: MockFactory) -> set[int]:
    return {number for number in (RED, GREEN, BUZZER, VIBRATION) if factory.pin(number).state}


async def changes(clock: VirtualClock, factory: MockFactory, number: int, seconds: float) -> list[int]:
    """The pin's state every 10 ms, without repetitions."""
    seen: list[int] = []
    for _ in range(round(seconds * 100)):
        await clock.sleep(0.01)
        state = int(factory.pin(number).state)
        seen += [state] if not seen or seen[-1] != state else []
    return seen


def test_the_lights_are_those_of_the_states() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        indicators.show_state(State.BOOTING)
        await clock.sleep(0.1)
        assert lit(factory) == {RED}
        indicators.show_state(State.BUFFERING)
        assert await changes(clock, factory, GREEN, 4 * BLINK_S + 0.1) == [1, 0, 1, 0, 1]
        assert lit(factory) <= {GREEN}
        indicators.show_state(State.RECORDING)
        assert await changes(clock, factory, RED, 2 * BLINK_S + 0.1) == [1, 0, 1]
        indicators.show_state(State.STANDBY)
        await clock.sleep(1)
        assert lit(factory) == set()

    run(steps)


def test_signals_are_so_many_tones_and_vibrations() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        indicators.signal("refused")
        assert (await changes(clock, factory, BUZZER, 2)).count(1) == 3
        indicators.signal("recording")
        assert (await changes(clock, factory, VIBRATION, 2)).count(1) == 2

    run(steps)


def test_identify_blinks_and_beeps_and_then_shows_the_state_again() -> None:
    async def steps(clock: VirtualClock, indicators: PiIndicators, factory: MockFactory) -> None:
        indicators.show_state(State.FAULT)
        indicators.identify(3)
        assert (await changes(clock, factory, GREEN, 2)).count(1) > 5
        await clock.sleep(2)
        assert lit(factory) == {RED}

    assert any("3" in line for line in run(steps).lines)
