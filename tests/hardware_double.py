"""An I2C bus at register level: devices are their registers."""

from dataclasses import dataclass, field

from lapel.hardware.pi import ina219, max17048


@dataclass
class RegisterBus:
    """Implements `lapel.hardware.pi.i2c.I2cBus`. An address without registers does not answer."""

    devices: dict[int, dict[int, int]] = field(default_factory=dict)

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        assert length == 2, "16-bit registers"
        if i2c_addr not in self.devices:
            raise OSError(121, "Remote I/O error")
        return list(self.devices[i2c_addr].get(register, 0).to_bytes(2, "big"))

    def close(self) -> None:
        pass

    def set_max17048(self, percent: float, percent_per_hour: float) -> None:
        """As its data sheet: 1/256 % and 0.208 % an hour a bit."""
        self.devices[max17048.ADDRESS] = {
            0x02: 0xC350,  # the voltage, which is not read
            0x04: round(percent * 256),
            0x16: round(percent_per_hour / 0.208) & 0xFFFF,
        }

    def set_ina219(self, bus_v: float, current_a: float, shunt_ohm: float = 0.1) -> None:
        """As its data sheet: the bus voltage in 4 mV a bit above three status bits, the shunt's in 10 uV a bit."""
        self.devices[ina219.ADDRESS] = {
            0x01: round(current_a * shunt_ohm / 10e-6) & 0xFFFF,
            0x02: round(bus_v / 4e-3) << 3 | 0b010,
        }
