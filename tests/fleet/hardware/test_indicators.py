from lapel.states import State
from lapel_fleet.hardware.indicators import SimulatedIndicators


def test_the_history_holds_what_was_shown_and_watchers_are_called() -> None:
    indicators, seen = SimulatedIndicators(), list[State]()
    indicators.watchers.append(seen.append)
    assert indicators.light == "dark"
    indicators.show_line("hello")
    indicators.show_state(State.RECORDING)
    indicators.signal("low battery")
    indicators.identify(5)
    assert indicators.light == "blinking red"
    assert seen == [State.RECORDING]
    assert indicators.history == ["hello", "shows blinking red", "signals low battery", "blinks and beeps for 5 s"]
