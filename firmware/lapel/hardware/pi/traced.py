"""Input pins and an I2C bus whose happenings are written into a hardware trace on their way to the adapters."""

from collections.abc import Callable, Mapping

from lapel.clock import Clock
from lapel.hardware.pi.i2c import I2cBus
from lapel.hardware.pi.pins import Pin, PinFactory, likely_time
from lapel.hardware.trace.writer import TraceWriter


class TracedPins:
    """Implements `PinFactory`: the pins of another one, of which those that have a name are traced."""

    def __init__(self, factory: PinFactory, names: Mapping[int, str], trace: TraceWriter, clock: Clock) -> None:
        self._factory, self._names, self._trace, self._clock = factory, names, trace, clock

    def pin(self, name: int) -> Pin:
        """See `PinFactory.pin`."""
        pin = self._factory.pin(name)
        return TracedPin(pin, self._names[name], self._trace, self._clock) if name in self._names else pin


class TracedPin:
    """Implements `Pin`, as far as a contact needs it."""

    def __init__(self, pin: Pin, name: str, trace: TraceWriter, clock: Clock) -> None:
        self._pin, self._name, self._trace, self._clock = pin, name, trace, clock
        self._when_changed: Callable[[float, float], None] | None = None

    @property
    def function(self) -> str:
        """`input`."""
        return self._pin.function

    @function.setter
    def function(self, value: str) -> None:
        self._pin.function = value

    @property
    def pull(self) -> str:
        """Which resistor is connected."""
        return self._pin.pull

    @pull.setter
    def pull(self, value: str) -> None:
        self._pin.pull = value

    @property
    def bounce(self) -> float | None:
        """Seconds for which the kernel waits until a contact has settled."""
        return self._pin.bounce

    @bounce.setter
    def bounce(self, value: float | None) -> None:
        self._pin.bounce = value

    @property
    def edges(self) -> str:
        """Which edges are reported."""
        return self._pin.edges

    @edges.setter
    def edges(self, value: str) -> None:
        self._pin.edges = value

    @property
    def state(self) -> float:
        """0 while the contact is closed."""
        return self._pin.state

    @state.setter
    def state(self, value: float) -> None:
        self._pin.state = value

    @property
    def when_changed(self) -> Callable[[float, float], None] | None:
        """What is called at each edge."""
        return self._when_changed

    @when_changed.setter
    def when_changed(self, value: Callable[[float, float], None] | None) -> None:
        self._when_changed = value
        if value is not None:
            self._trace.pin(self._name, closed=not self._pin.state, mono_s=self._clock.mono_s())
        self._pin.when_changed = self._changed if value is not None else None

    def close(self) -> None:
        """See `Pin.close`."""
        self._pin.close()

    def _changed(self, at_s: float, state: float) -> None:
        """In gpiozero's thread."""
        self._trace.pin(self._name, closed=not state, mono_s=likely_time(at_s, self._clock.mono_s()))
        if self._when_changed is not None:
            self._when_changed(at_s, state)


class TracedBus:
    """Implements `I2cBus`: another one, of which each read that brings something new is traced."""

    def __init__(self, bus: I2cBus, trace: TraceWriter) -> None:
        self._bus, self._trace = bus, trace
        self._seen: dict[tuple[int, int], int | str] = {}

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """See `I2cBus.read_i2c_block_data`."""
        try:
            data = self._bus.read_i2c_block_data(i2c_addr, register, length)
        except OSError as error:
            self._note(i2c_addr, register, error.strerror or str(error))
            raise
        self._note(i2c_addr, register, int.from_bytes(bytes(data), "big"))
        return data

    def close(self) -> None:
        """See `I2cBus.close`."""
        self._bus.close()

    def _note(self, address: int, register: int, result: int | str) -> None:
        if self._seen.get((address, register)) == result:
            return
        self._seen[address, register] = result
        if isinstance(result, str):
            self._trace.register(address, register, None, result)
        else:
            self._trace.register(address, register, result)
