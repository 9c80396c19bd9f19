"""When lights, tones and vibrations are given: states, reminders, warnings, stealth."""

from collections.abc import Callable, Coroutine
from typing import Any

from lapel.config import ControlsSection
from lapel.indications import Indications
from lapel.states import State
from lapel.wearer_signals import WearerSignals
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from simulated_parts import RecordedIndicators

Steps = Callable[[WearerSignals, RecordedIndicators, VirtualClock], Coroutine[Any, Any, None]]


def run(steps: Steps, *, is_stealth: bool = False) -> RecordedIndicators:
    shown = RecordedIndicators()

    async def program(clock: VirtualClock) -> None:
        signals = WearerSignals(shown, Indications(), clock, ControlsSection(), is_stealth=is_stealth)
        await steps(signals, shown, clock)
        signals.close()
        given = len(shown.signals)
        await clock.sleep(10_000)
        assert len(shown.signals) == given, "nothing is given after the end"

    run_virtual(program)
    return shown


def test_a_recording_is_reminded_of_every_two_minutes_and_standby_every_fifteen() -> None:
    async def steps(signals: WearerSignals, shown: RecordedIndicators, clock: VirtualClock) -> None:
        signals.show_state(State.RECORDING)
        await clock.sleep(121)
        assert shown.signals == ["started", "recording"]
        await clock.sleep(3600)
        assert shown.signals.count("recording") == 31
        signals.show_state(State.STANDBY)
        await clock.sleep(2 * 900 + 1)
        assert shown.signals[-3:] == ["stopped", "asleep", "asleep"]

    run(steps)


def test_lights_follow_state_and_mute() -> None:
    async def steps(signals: WearerSignals, shown: RecordedIndicators, clock: VirtualClock) -> None:
        signals.show_state(State.BOOTING)
        with signals.recovering():
            await clock.sleep(0.4)
        with signals.recovering():
            await clock.sleep(2)
        assert shown.lights[-1] == "solid red"
        signals.show_state(State.BUFFERING)
        signals.show_state(State.RECORDING)
        signals.set_muted(True)
        signals.set_muted(False)
        signals.set_muted(True)
        signals.show_state(State.BUFFERING)
        signals.show_state(State.RECORDING)

    assert run(steps).lights == [
        "solid red", "flashing red", "solid red", "blinking green", "blinking red", "blinking blue", "blinking red",
        "blinking blue", "blinking green", "blinking red",
    ]  # fmt: skip


def test_warnings_are_given_at_once_then_every_20_s_in_turn_and_only_to_a_wearer() -> None:
    async def steps(signals: WearerSignals, shown: RecordedIndicators, clock: VirtualClock) -> None:
        signals.show_state(State.DOCKED)
        signals.set_flags(["clock-unsynced", "low-battery"])
        await clock.sleep(100)
        assert shown.signals == []
        signals.show_state(State.BUFFERING)
        await clock.sleep(61)
        assert len(shown.signals) == 4
        assert set(shown.signals) == {"low battery", "clock unset"}
        signals.set_flags(["clock-unsynced", "microphone-lost"])
        assert shown.signals[-1] == "dead microphone"
        signals.set_flags([])
        given = len(shown.signals)
        await clock.sleep(1000)
        assert len(shown.signals) == given

    run(steps)


def test_stealth_is_dark_and_silent_from_the_start_and_shows_what_is_so_afterwards() -> None:
    async def steps(signals: WearerSignals, shown: RecordedIndicators, clock: VirtualClock) -> None:
        signals.show_state(State.BOOTING)
        signals.show_state(State.RECORDING)
        signals.set_flags(["low-battery"])
        signals.set_muted(True)
        assert signals.identify(5) is not None
        await clock.sleep(1000)
        assert (shown.lights, shown.signals) == ([], []), "it was dark before"
        assert shown.states == ["booting", "recording"]
        signals.set_stealth(False)
        assert (shown.lights[-1], shown.signals) == ("blinking blue", ["stealth off"])
        await clock.sleep(121)
        assert "recording" in shown.signals

    run(steps, is_stealth=True)


def test_stealth_ends_what_is_sounding() -> None:
    async def steps(signals: WearerSignals, shown: RecordedIndicators, clock: VirtualClock) -> None:
        signals.show_state(State.BUFFERING)
        assert signals.identify(5) is None
        signals.set_stealth(True)
        assert (shown.lights[-1], shown.lines[-1]) == ("dark", "silence")

    run(steps)
