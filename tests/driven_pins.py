"""Pins that a test drives: gpiozero's mock factory, with the outside world's side of simulated devices."""

from gpiozero.pins.mock import MockFactory, MockPin

from lapel.clock import Clock
from lapel.hardware.interfaces import ButtonName
from lapel.hardware.pi.dock import PiDock
from lapel.hardware.pi.switches import PiSwitches

PINS: dict[ButtonName, int] = {"event": 17, "power": 27, "select": 24}


class DrivenSwitches:
    """`PiSwitches`, and hands on its buttons as those of `SimulatedSwitches`."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._factory = clock, MockFactory()
        self._stuck: set[ButtonName] = set()
        self.switches = PiSwitches(self._factory, PINS, clock)
        self.down, self.edges, self.close = self.switches.down, self.switches.edges, self.switches.close

    def press(self, button: ButtonName, times: int = 1) -> None:
        for _ in range(times):
            self._drive(button, is_down=True)
            self._drive(button, is_down=False)

    async def hold(self, button: ButtonName, seconds: float) -> None:
        self._drive(button, is_down=True)
        await self._clock.sleep(seconds)
        self._drive(button, is_down=False)

    def stick(self, button: ButtonName) -> None:
        self._drive(button, is_down=True)
        self._stuck.add(button)

    def free(self, button: ButtonName) -> None:
        self._stuck.discard(button)
        self._drive(button, is_down=False)

    def _drive(self, button: ButtonName, *, is_down: bool) -> None:
        if button not in self._stuck:
            drive(self._factory, PINS[button], is_closed=is_down)


class DrivenDock:
    """`PiDock`, and hands that put the camera in as with `SimulatedDock`."""

    def __init__(self, clock: Clock) -> None:
        self._factory = MockFactory()
        self.dock = PiDock(self._factory, 5, clock)
        self.is_docked, self.changed, self.close = self.dock.is_docked, self.dock.changed, self.dock.close

    def put_in(self) -> None:
        drive(self._factory, 5, is_closed=True)

    def take_out(self) -> None:
        drive(self._factory, 5, is_closed=False)


def drive(factory: MockFactory, number: int, *, is_closed: bool) -> None:
    """Close a contact to ground, or open it."""
    pin = factory.pin(number)
    assert isinstance(pin, MockPin)
    if is_closed:
        pin.drive_low()
    else:
        pin.drive_high()
