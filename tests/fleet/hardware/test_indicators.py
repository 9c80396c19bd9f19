from lapel.indications import SIGNALS, Light
from lapel.states import State
from lapel_fleet.hardware.indicators import SimulatedIndicators


def test_the_history_holds_what_was_shown_and_watchers_are_called() -> None:
    indicators, states, lights = SimulatedIndicators(), list[State](), list[Light]()
    indicators.watchers.append(states.append)
    indicators.light_watchers.append(lights.append)
    assert indicators.light == "dark"
    indicators.show_line("hello")
    indicators.show_state(State.RECORDING)
    indicators.show_light("blinking red")
    indicators.signal("low battery", SIGNALS["low battery"])
    indicators.identify(5)
    assert indicators.light == "blinking red"
    assert indicators.history == ["hello", "shows blinking red", "signals low battery", "blinks and beeps for 5 s"]
    indicators.lose_power()
    assert (states, lights) == ([State.RECORDING, State.OFF], ["blinking red", "dark"])
